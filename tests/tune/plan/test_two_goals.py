"""A sweep with two goals: its front is retrained, from the journal alone, and shown as one."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from tests.tiny import RBM, STUDY
from tests.tune.one_cpu import one_cpu
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.searches import search_for
from tests.tune.two_goals import BITS, FREE, GAP, TWO, end, losses, measured, run_all, run_segment, two

from gibbsweep.errors import UserError
from gibbsweep.evaluate import EnergyGap, LogLikelihood
from gibbsweep.results.dominance import dominates
from gibbsweep.run.assignment import Assignment
from gibbsweep.study import Choice, Constraint, Contender, Study
from gibbsweep.study.space import with_values
from gibbsweep.train import Budget, Outcome
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.on_ray import trial
from gibbsweep.tune.on_ray.bridge import PlanScheduler
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.search.front import front_of
from gibbsweep.tune.table.rows import rows_of


@pytest.mark.parametrize("scheduler", ["none", "halving"])
def test_the_front_is_retrained_the_best_in_each_goal_first(tmp_path: Path, scheduler: str) -> None:
    plan = new_plan(tmp_path, TWO, trials=14, scheduler=scheduler)
    order = run_all(plan)
    ended = [record for record in plan.search_of("rbm").records if record.objectives is not None]
    front = front_of(ended, (BITS, GAP), 3)
    assert len(front) >= 2
    assert not any(dominates(losses(other), losses(one)) for one in front for other in ended)
    assert losses(front[0])[0] == min(losses(record)[0] for record in ended)
    assert losses(front[1])[1] == min(losses(record)[1] for record in ended)
    retrained = [p for p in order if p.kind == "retrain"]
    names = [f"rbm-front{i + 1}-seed{seed}" for i in range(len(front)) for seed in (1, 2)]
    assert [p.name for p in retrained] == names
    assert [p.values for p in retrained] == [record.values for record in front for _ in (1, 2)]
    assert [p.front for p in retrained[::2]] == ["for log_likelihood", "for energy_gap", "front 3"][: len(front)]
    assert plan.finished() and plan.total == len({p.name for p in order})
    again = resumed_plan(tmp_path, TWO)
    assert again.finished() and again.outcomes == plan.outcomes and rows_of(again) == rows_of(plan)


def test_equal_trials_are_retrained_once_and_violations_come_last(tmp_path: Path) -> None:
    """Of three points on the front two are equal; the best in the gap violates the constraint, and is left out while
    any satisfies it."""
    limited = two(constraints=(Constraint("validation/seconds", "<=", 1.0),))
    points = [(0.0, 3.0, 0.5), (0.0, 3.0, 0.5), (-1.0, 2.0, 0.5), (-2.0, 1.0, 9.0)]
    plan = new_plan(tmp_path, limited, trials=4)
    for point in points:
        planned = plan.next()
        assert planned is not None
        metrics = dict(zip((BITS.metric, GAP.metric, "validation/seconds"), point, strict=True))
        end(plan, planned, Outcome("completed", 20, metrics))
    records = plan.search_of("rbm").records
    for same in (plan, resumed_plan(tmp_path, limited)):
        (arm,) = same.arms()
        assert [retraining.member.values for retraining in same.retrainings(arm)] == [
            records[0].values,
            records[2].values,
        ]


def test_the_number_retrained_is_the_study_s(tmp_path: Path) -> None:
    wide = two(front_size=5)
    run_all(plan := new_plan(tmp_path, wide, trials=30))
    assert len(rows_of(plan)) == 5
    gaps = sorted(row.best_config["learning_rate"] for row in rows_of(plan))
    assert max(b - a for a, b in itertools.pairwise(gaps)) < 0.05, "spread over .03 to .1"
    with pytest.raises(UserError, match=r"rbm\.front: 5 -> 3"):
        resumed_plan(tmp_path, TWO)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), scheduler=st.sampled_from(["none", "median", "halving"]))
def test_crashes_between_any_two_steps_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scheduler: str
) -> None:
    """One worker: what a driver that dies again and again starts, in order, is what an undisturbed one starts."""
    options = {"trials": 7, "scheduler": scheduler, "seeds": 1, "sampler": "random"}
    whole = new_plan(tmp_path_factory.mktemp("whole"), TWO, **options)
    undisturbed = [(p.name, p.runs_to, p.values) for p in run_all(whole)]
    runs, dice = tmp_path_factory.mktemp("runs"), random.Random(seed)
    plan = new_plan(runs, TWO, **options)
    started: list[tuple[str, int, dict[str, Any]]] = []
    for _ in range(500):
        if plan.finished():
            break
        if dice.random() < 0.2:
            plan = resumed_plan(runs, TWO)
        planned = plan.next()
        if planned is None:
            continue
        if started[-1:] != [(planned.name, planned.runs_to, planned.values)]:
            started.append((planned.name, planned.runs_to, planned.values))
        died = dice.random()
        if died < 0.15:
            plan = resumed_plan(runs, TWO)  # before the run did anything
        elif died < 0.3:  # after the run's own record, before the driver heard of it
            kind = "completed" if planned.runs_to == 20 else "paused"
            replace(measured(planned), kind=kind, step=planned.runs_to).write(plan.sweep.trial(planned.name))
            plan = resumed_plan(runs, TWO)
        else:
            run_segment(plan, planned)
    else:
        pytest.fail("the sweep does not end")
    assert started == undisturbed
    assert resumed_plan(runs, TWO).outcomes == whole.outcomes


@pytest.mark.parametrize("the_study", [STUDY, TWO], ids=["one goal", "two"])
def test_nothing_is_retrained_before_the_journal_knows_every_outcome(tmp_path: Path, the_study: Study) -> None:
    """The driver died after the last trial's outcome, and before its journal heard of it: with two workers, one is
    still to be told."""
    plan = new_plan(tmp_path, the_study, trials=4 // len(the_study.contenders["rbm"].options()))
    for _ in range(3):
        planned = plan.next()
        assert planned is not None
        end(plan, planned)
    last = plan.next()
    assert last is not None
    measured(last).write(plan.sweep.trial(last.name))
    again = resumed_plan(tmp_path, the_study)
    told = again.next()
    assert told is not None and told.name == last.name
    assert all(p.option != last.option for p in iter(again.next, None))
    again.close(last.name, measured(last))
    retrained = again.next()
    assert retrained is not None and retrained.kind == "retrain"


def test_the_journal_of_one_goal_is_what_it_was_and_that_of_two_holds_both() -> None:
    for goals in ((BITS,), (BITS, GAP)):
        storage = InMemoryStorage()
        search = search_for(storage, FREE, *goals, updates=20, trials=3, seed=0)
        search.ask()
        metrics = {BITS.metric: -1.0, GAP.metric: 2.0}
        assert search.report(0, 5, metrics) == "go"
        search.report(0, 10, {BITS.metric: -1.0, GAP.metric: float("nan")})
        search.tell(0, Outcome("completed", 20, metrics))
        (told,) = storage.get_all_trials(0)
        assert told.state == TrialState.COMPLETE
        attrs = {"values", "runs_to", "outcome", "device_seconds", "restarts"}
        if goals == (BITS,):
            assert set(told.user_attrs) == attrs
            assert told.intermediate_values == {5: -1.0, 10: -1.0} and told.values == [-1.0]
        else:
            assert set(told.user_attrs) == attrs | {"objectives@5"}, "a report lacks a goal: it is not recorded"
            assert told.intermediate_values == {5: -1.0} and told.values == [-1.0, 2.0]
        again = search_for(storage, FREE, *goals, updates=20, trials=3, seed=0)
        assert again.records == search.records


def test_a_trial_that_lacks_a_goal_at_the_end_or_at_a_rung_diverged(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=9, scheduler="halving")
    first, second = plan.next(), plan.next()
    assert first is not None and second is not None
    assert plan.report(first.name, first.runs_to, {BITS.metric: -1.0, GAP.metric: float("nan")})
    outcome = Outcome.read(plan.sweep.trial(first.name))
    assert outcome is not None and outcome.kind == "diverged"
    assert outcome.message == f"validation/energy_gap is nan after {first.runs_to} updates"
    end(plan, second, Outcome("completed", 20, {BITS.metric: -1.0}))
    assert plan.search_of("rbm").records[1].state == "diverged"


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"sampler": "cmaes"}, "--sampler cmaes searches for one goal, and there are 2"),
        (
            {"front_size": 1},
            {},
            "'rbm' has 2 goals, and front_size=1 would not retrain the best in each: use front_size=2",
        ),
        ({"goal": (BITS, BITS)}, {}, "several of different metrics: got validation/log_likelihood, validation/log"),
        ({"goal": ()}, {}, "needs a goal.*got none"),
    ],
)
def test_what_cannot_be_leaves_no_folder(
    tmp_path: Path, changes: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        new_plan(tmp_path, two(**changes), **options)
    assert not (tmp_path / "s").exists()


def test_a_contender_without_a_search_is_retrained_as_it_stands(tmp_path: Path) -> None:
    compared = two(contenders={"rbm": Contender(RBM, "energy", {"k": Choice(1, 2)}, compare="k")})
    plan = new_plan(tmp_path, compared)
    while (planned := plan.next()) is not None:
        end(plan, planned, Outcome("completed", 20, {}))
    assert sorted(plan.outcomes) == ["rbm-k=1-seed1", "rbm-k=1-seed2", "rbm-k=2-seed1", "rbm-k=2-seed2"]
    assert [row.label for row in rows_of(plan)] == ["rbm k=1", "rbm k=2"]


def test_a_trial_tells_both_goals_with_each_report_and_keeps_both_peaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the training loop to the journal, without the cluster between them."""
    plan = new_plan(tmp_path, TWO, budget="smoke", trials=4, scheduler="halving", eta=2, rungs=1)
    planned = plan.next()
    assert planned is not None
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(trial, "_send_to_tune", sent.append)
    assignment = Assignment(
        planned.name, planned.contender, "search", with_values(RBM, planned.values), 0, "digits", Budget(10, 32, 5),
        plan.sweep.trial(planned.name), evaluators=(LogLikelihood(n_temperatures=20), EnergyGap(n_steps=5)),
        precision="fp32", goals=(BITS, GAP), announced=(BITS.metric, GAP.metric), front="for energy_gap",
    )  # fmt: skip
    trial._loop({"assignment": assignment, "in_tune": True, "watch": None})
    assert [report["step"] for report in sent] == [5, 10]
    listening = SimpleNamespace(config={"name": planned.name})
    PlanScheduler(Gate(plan, StopRequest(plan.sweep)), one_cpu(plan)[1]).on_trial_result(None, listening, sent[0])  # type: ignore[arg-type]
    (record,) = resumed_plan(tmp_path, TWO).search_of("rbm").records
    assert record.reports[5] == (sent[0][f"announced/{BITS.metric}"], sent[0][f"announced/{GAP.metric}"])
    outcome = Outcome.read(plan.sweep.trial(planned.name))
    assert outcome is not None
    assert {f"peak/{goal.metric}" for goal in (BITS, GAP)} < set(outcome.metrics)
    assert json.loads((plan.sweep.trial(planned.name) / "config.json").read_text())["front"] == "for energy_gap"
