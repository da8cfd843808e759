"""The plan of a population: who waits, who goes on from whose checkpoint, what a crash between any two steps changes
(nothing), and what is retrained."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tiny import RBM, MeanConfig, MeanSystem, study
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.pretended import GOAL, POPULATION, UPDATES, Dice, Died, history, run_all, told, train

from gibbsweep.evaluate import LogLikelihood
from gibbsweep.folder import Outcome, read_copies
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.study import Contender, Float
from gibbsweep.train import Budget, Segment
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep_models.types import Batch, DataSpec


def test_members_wait_for_one_another_and_the_best_schedule_is_retrained(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    assert plan.settings.sampler == "random"
    assert plan.search_of("rbm").population is not None
    assert plan.search_of("rbm").population.evolves == ("learning_rate",), "not what is compared, nor a Choice"
    order = run_all(plan)
    assert plan.finished() and plan.total == len(plan.outcomes) == 12 + 2
    for k in (1, 2):
        ends = [p.runs_to for p in order if p.kind == "search" and p.option == k]
        assert ends == sorted(ends) and set(ends) == {5, 10, 15, 20}, (
            "no generation begins before the one before has ended"
        )
    taken = 0
    for record in plan.search_of("rbm").records:
        run_dir = plan.sweep.trial(f"rbm-{record.number:04d}")
        assert record.state in ("completed", "diverged")
        mine = next(p for p in reversed(order) if p.number == record.number)
        assert mine.values == record.values == mine.schedule[-1].values
        if record.state == "completed":
            ends_at = [*(s.start for s in mine.schedule[1:]), UPDATES]
            rates = [
                s.values["learning_rate"]
                for s, end in zip(mine.schedule, ends_at, strict=True)
                for _ in range(s.start, end)
            ]
            assert history(run_dir) == rates
        assert [t.step for t in read_copies(run_dir)] == [c.step for c in record.copies]
        taken += len(record.copies)
        assert all(c.donor % 2 == record.number % 2 for c in record.copies), "an option is a population of its own"
        assert all(c.values["k"] == record.initial_values["k"] for c in record.copies)
    assert taken == len(plan.copies) >= 6
    for k in (1, 2):
        (retrained,) = [p for p in order if p.kind == "retrain" and p.option == k]
        best = next(arm for arm in plan.arms() if arm.option == k).best()
        assert best is not None and retrained.replays == f"rbm-{best.number:04d}"
        assert history(plan.sweep.trial(retrained.name)) == history(plan.sweep.trial(retrained.replays))
    assert told(resumed_plan(tmp_path)) == told(plan)


def test_what_diverges_is_replaced_and_counts_where_it_cannot_be(tmp_path: Path) -> None:
    one = study(contenders={"rbm": Contender(RBM, "energy", {"learning_rate": Float(0.01, 0.3)})})
    plan = new_plan(tmp_path, one, **{**POPULATION, "trials": 8})
    started: list[PlannedRun] = []
    for _ in range(8):
        planned = plan.next()
        assert planned is not None
        started.append(planned)
        train(plan, planned, breaks=0.15)
    lost = [record.number for record in plan.search_of("rbm").records if record.state == "lost"]
    assert len(lost) >= 3 and not plan.outcomes, "more than the quarter that is replaced anyway"
    again = resumed_plan(tmp_path, one)
    assert [r.number for r in again.search_of("rbm").records if r.state == "lost"] == lost and not again.outcomes
    planned = again.next()
    assert planned is not None and planned.runs_to == 10
    for number in lost:
        (taken,) = read_copies(again.sweep.trial(f"rbm-{number:04d}"))
        assert taken.lost == "diverged: too fast" and taken.device_seconds == 1.0
        assert Outcome.read(again.sweep.trial(f"rbm-{number:04d}")) is None
        assert len(history(again.sweep.trial(f"rbm-{number:04d}"))) == 5


def test_a_population_that_is_lost_altogether_is_not_retrained(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    while (planned := plan.next()) is not None:
        train(plan, planned, breaks=0.0)
    assert plan.finished() and plan.counts() == {"completed": 0, "pruned": 0, "diverged": 12, "failed": 0}
    assert resumed_plan(tmp_path).finished()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a sweep on one worker that nothing happens to comes to."""
    plan = new_plan(tmp_path_factory.mktemp("whole"), **POPULATION)
    run_all(plan)
    return told(plan)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), workers=st.integers(1, 5))
def test_crashes_between_any_two_steps_change_no_population(
    tmp_path_factory: pytest.TempPathFactory, undisturbed: Any, seed: int, workers: int
) -> None:
    """Driver and runs die together at any moment of a run's, with any number of runs underway that end in any order."""
    runs, dice = tmp_path_factory.mktemp("runs"), Dice(seed, 0.04)
    order = random.Random(seed + 1)
    plan = new_plan(runs, **POPULATION)
    underway: list[PlannedRun] = []
    for _ in range(3000):
        if plan.finished():
            break
        while len(underway) < workers and (planned := plan.next()) is not None:
            underway.append(planned)
        try:
            train(plan, underway.pop(order.randrange(len(underway))), dice)
        except Died:
            plan, underway = resumed_plan(runs), []
    else:
        pytest.fail("the sweep does not end")
    assert told(resumed_plan(runs)) == told(plan) == undisturbed


@dataclass(frozen=True)
class ClampedConfig(MeanConfig):
    low: float = 0.01

    def build(self, spec: DataSpec) -> MeanSystem:
        return ClampedSystem(self, spec)


class ClampedSystem(MeanSystem):
    def __init__(self, config: ClampedConfig, spec: DataSpec) -> None:
        super().__init__(spec)
        self.config = config

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        self.mean = batch["x"].mean(dim=0).clamp(self.config.low, 1 - self.config.low)


def test_a_baseline_that_is_fitted_at_once_is_searched_as_ever(tmp_path: Path) -> None:
    """It has no generation to pause at: every trial completes, and the best is retrained with its values."""
    fitted = Contender(
        ClampedConfig(), "baseline", {"low": Float(0.001, 0.4)}, final_evaluators=(LogLikelihood(n_temperatures=20),)
    )
    plan = new_plan(tmp_path, study(contenders={"mean": fitted}, default=("mean",)), **POPULATION)
    found: dict[str, float] = {}
    while (planned := plan.next()) is not None:
        fit = Assignment(
            planned.name, "mean", planned.kind, ClampedConfig(), planned.seed, "digits", Budget(UPDATES, 32, 5),
            plan.sweep.trial(planned.name), evaluators=(LogLikelihood(n_temperatures=20),), schedule=planned.schedule,
            until=planned.runs_to,
        )  # fmt: skip
        outcome = run(fit)
        plan.close(planned.name, outcome)
        found[planned.name] = outcome.metrics[GOAL]
    best = max((run_ for run_ in found if "seed" not in run_), key=lambda run_: found[run_])
    assert len(found) == 7 and len(set(found.values())) >= 6
    assert found["mean-seed1"] == pytest.approx(found[best], abs=1e-6)


def test_the_first_segment_is_a_trial_like_any(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    planned = plan.next()
    assert planned is not None
    assert planned.schedule == (Segment(0, planned.values, ()),)
