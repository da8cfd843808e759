"""The plan under successive halving: pauses, promotions, and crashes between any two steps."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tune.plans import LIKELIHOOD, new_plan, outcome_of, resumed_plan
from tests.tune.segments import run_segment

from gibbsweep.train import Outcome


def test_halving_pauses_promotes_and_ends_what_is_left(tmp_path: Path) -> None:
    """Nine trials of each k, rungs at 3 and 7 of 20 updates: the best of each k completes and is retrained, the others
    end where they wait, and the device-seconds they took are kept."""
    plan = new_plan(tmp_path, trials=9, scheduler="halving")
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        run_segment(plan, planned, updates=20)
    assert plan.finished()
    assert {p.runs_to for p in order if p.kind == "search"} == {3, 7, 20}
    assert {p.runs_to for p in order if p.kind == "retrain"} == {20}
    records = plan.search_of("rbm").records
    assert len(records) == 18
    for k in (1, 2):
        mine = [record for record in records if record.values["k"] == k]
        best = min(mine, key=lambda record: abs(record.values["learning_rate"] - 0.1))
        assert best.state == "completed"
        retrained = [p for p in order if p.kind == "retrain" and p.option == k]
        assert [p.values for p in retrained] == [best.values] * 2
        for record in mine:
            outcome = plan.outcomes[f"rbm-{record.number:04d}"]
            assert outcome.kind == record.state and record.state in ("completed", "pruned")
            assert outcome.device_seconds == k
    assert plan.counts()["pruned"] == sum(record.state == "pruned" for record in records) > 9
    again = resumed_plan(tmp_path)
    assert again.finished()
    assert again.outcomes == plan.outcomes


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_crashes_between_any_two_steps_change_no_promotion(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """One worker: what a driver that dies again and again starts, in order, is what an undisturbed one starts, but for
    what it interrupted."""
    whole = new_plan(tmp_path_factory.mktemp("whole"), trials=4, scheduler="halving", seeds=1, rungs=2)
    undisturbed = []
    while (planned := whole.next()) is not None:
        undisturbed.append((planned.name, planned.runs_to))
        run_segment(whole, planned, updates=20)
    runs, dice = tmp_path_factory.mktemp("runs"), random.Random(seed)
    plan = new_plan(runs, trials=4, scheduler="halving", seeds=1, rungs=2)
    started: list[tuple[str, int]] = []
    for _ in range(500):
        if plan.finished():
            break
        if dice.random() < 0.2:
            plan = resumed_plan(runs)
        planned = plan.next()
        if planned is None:
            continue
        if started[-1:] != [(planned.name, planned.runs_to)]:
            started.append((planned.name, planned.runs_to))
        died = dice.random()
        if died < 0.15:
            plan = resumed_plan(runs)  # before the run did anything
        elif died < 0.3:  # after the run's own record, before the driver heard of it
            kind = "completed" if planned.runs_to == 20 else "paused"
            replace(outcome_of(planned), kind=kind, step=planned.runs_to).write(plan.sweep.trial(planned.name))
            plan = resumed_plan(runs)
        else:
            run_segment(plan, planned, updates=20)
    else:
        pytest.fail("the sweep does not end")
    assert started == undisturbed
    assert resumed_plan(runs).outcomes == whole.outcomes


def test_a_goal_that_is_not_finite_at_a_rung_is_a_divergence(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=9, scheduler="halving")
    planned = plan.next()
    assert planned is not None
    assert plan.report(planned.name, 3, {LIKELIHOOD: float("nan")})
    outcome = Outcome.read(plan.sweep.trial(planned.name))
    assert outcome is not None
    assert (outcome.kind, outcome.step) == ("diverged", 3)
    assert outcome.message == "validation/log_likelihood is nan after 3 updates"
