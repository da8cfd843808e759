"""The plan of a population: who waits, who goes on from whose checkpoint, what a crash between any two steps changes (nothing), and what is
retrained."""

from __future__ import annotations

import hashlib
import json
import math
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save
from tests.tiny import RBM, STUDY, MeanConfig, MeanSystem, study
from tests.tune.test_plan import new_plan, resumed_plan

from gibbsweep.errors import UserError
from gibbsweep.evaluate import LogLikelihood
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Study
from gibbsweep.study.run import Assignment, run
from gibbsweep.train import Budget, Outcome, Segment
from gibbsweep.train.checkpoint import FORMAT, Progress, has_checkpoint, read_checkpoint
from gibbsweep.train.files import write_atomically
from gibbsweep.train.takeover import read_takeovers
from gibbsweep.tune.options import SweepOptions
from gibbsweep.tune.plan import Plan
from gibbsweep.tune.planned import Planned
from gibbsweep.tune.sweep_dir import create, reopen
from gibbsweep_models.types import Batch, DataSpec

POPULATION = {"scheduler": "population", "generations": 4, "trials": 12, "seeds": 1}
GOAL = "validation/log_likelihood"
UPDATES = 20


class Died(Exception):
    """The run's process, at some moment."""


class Dice:
    """Moments at which a run dies."""

    def __init__(self, seed: int, chance: float) -> None:
        self._random, self._chance = random.Random(seed), chance

    def may_die(self) -> None:
        if self._random.random() < self._chance:
            raise Died


NEVER = Dice(0, 0.0)


def history(run_dir: Path) -> list[float]:
    """The learning rate of each update that the weights have seen."""
    if not has_checkpoint(run_dir / "checkpoint"):
        return []
    found: list[float] = read_checkpoint(run_dir / "checkpoint")[1]["model/history"].tolist()
    return found


def save_history(run_dir: Path, rates: list[float]) -> None:
    content = save({"model/history": torch.tensor(rates, dtype=torch.float64)})
    name = f"step-{len(rates):08d}.safetensors"
    write_atomically(run_dir / "checkpoint" / name, content)
    state = {"format": FORMAT, "tensors": name, "sha256": hashlib.sha256(content).hexdigest()}
    state |= vars(Progress(step=len(rates)))
    write_atomically(run_dir / "checkpoint" / "state.json", json.dumps(state).encode())


def train(plan: Plan, planned: Planned, dice: Dice = NEVER, breaks: float = 0.29) -> None:
    """A pretended run with a checkpoint that is its own history, which its goal depends on: best where the rate falls. A rate above
    ``breaks`` diverges two updates later."""
    run_dir = plan.sweep.trial(planned.name)
    outcome = Outcome.read(run_dir)
    if outcome is None:
        rates = history(run_dir)
        dice.may_die()
        for step in range(len(rates), planned.runs_to):
            now = [s for s in planned.schedule if s.start <= step][-1].values if planned.schedule else planned.values
            rates.append(now["learning_rate"])
        start = len(history(run_dir))
        if planned.kind == "search" and rates[-1] > breaks and planned.runs_to < UPDATES:
            Outcome("diverged", start + 2, {}, device_seconds=1.0, message="too fast", samples=(start + 2) * 32).write(
                run_dir
            )
            dice.may_die()
            plan.close(planned.name, Outcome.read(run_dir) or Outcome("failed", 0))
            return
        save_history(run_dir, rates)
        dice.may_die()
        value = -sum(abs(math.log(rate / (0.2 / (1 + step / 5)))) for step, rate in enumerate(rates))
        if planned.kind == "search" and planned.runs_to < UPDATES:
            plan.report(planned.name, planned.runs_to, value)
            dice.may_die()
            Outcome("paused", planned.runs_to, {GOAL: value}, 1.0, samples=planned.runs_to * 32).write(run_dir)
            dice.may_die()
            assert plan.pause(planned.name)
            return
        Outcome("completed", UPDATES, {GOAL: value}, 2.0).write(run_dir)
        dice.may_die()
    plan.close(planned.name, Outcome.read(run_dir) or Outcome("failed", 0))


def run_all(plan: Plan) -> list[Planned]:
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        train(plan, planned)
    return order


def told(plan: Plan) -> Any:
    records = [(r.first, r.values, r.copies, r.state, r.reports, sorted(r.lost)) for r in plan.searches["rbm"].records]
    runs = {run: (o.outcome, o.step, o.metrics) for run, o in plan.outcomes.items()}
    return records, runs, {run: history(plan.sweep.trial(run)) for run in runs}


def test_members_wait_for_one_another_and_the_best_schedule_is_retrained(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    assert plan.decided.sampler == "random"
    assert plan.searches["rbm"].population is not None
    assert plan.searches["rbm"].population.evolves == ("learning_rate",), "not what is compared, nor a Choice"
    order = run_all(plan)
    assert plan.finished() and plan.total == len(plan.outcomes) == 12 + 2
    for k in (1, 2):
        ends = [p.runs_to for p in order if p.kind == "search" and p.option == k]
        assert ends == sorted(ends) and set(ends) == {5, 10, 15, 20}, (
            "no generation begins before the one before has ended"
        )
    taken = 0
    for record in plan.searches["rbm"].records:
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
        assert [t.step for t in read_takeovers(run_dir)] == [c.step for c in record.copies]
        taken += len(record.copies)
        assert all(c.donor % 2 == record.number % 2 for c in record.copies), "an option is a population of its own"
        assert all(c.values["k"] == record.first["k"] for c in record.copies)
    assert taken == len(plan.takeovers.made) >= 6
    for k in (1, 2):
        (retrained,) = [p for p in order if p.kind == "retrain" and p.option == k]
        best = plan.searches["rbm"].best(k)
        assert best is not None and retrained.replays == f"rbm-{best.number:04d}"
        assert history(plan.sweep.trial(retrained.name)) == history(plan.sweep.trial(retrained.replays))
    assert told(resumed_plan(tmp_path)) == told(plan)


def test_what_diverges_is_replaced_and_counts_where_it_cannot_be(tmp_path: Path) -> None:
    one = study(contenders={"rbm": Contender(RBM, "energy", {"learning_rate": Float(0.01, 0.3)})})
    plan = new_plan(tmp_path, one, **{**POPULATION, "trials": 8})
    started: list[Planned] = []
    for _ in range(8):
        planned = plan.next()
        assert planned is not None
        started.append(planned)
        train(plan, planned, breaks=0.15)
    lost = [record.number for record in plan.searches["rbm"].records if record.state == "lost"]
    assert len(lost) >= 3 and not plan.outcomes, "more than the quarter that is replaced anyway"
    again = resumed_plan(tmp_path, one)
    assert [r.number for r in again.searches["rbm"].records if r.state == "lost"] == lost and not again.outcomes
    planned = again.next()
    assert planned is not None and planned.runs_to == 10
    for number in lost:
        (taken,) = read_takeovers(again.sweep.trial(f"rbm-{number:04d}"))
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
    underway: list[Planned] = []
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


def refused(the_study: Study, match: str, runs: Path, **options: object) -> None:
    chosen = {**POPULATION, **options}
    with pytest.raises(UserError, match=match):
        create(the_study, SweepOptions(runs=runs, name="s", **chosen), has_gpu=False)  # type: ignore[arg-type]
    assert not (runs / "s").exists()


def with_contender(**changes: Any) -> Study:
    space = {"n_hidden": Int(2, 8), "learning_rate": Float(0.01, 0.3, log=True), "centred": Choice(True, False)}
    return study(contenders={"rbm": Contender(RBM, "energy", **{"space": space, **changes})})


def test_what_cannot_evolve_is_refused_before_there_is_a_sweep(tmp_path: Path) -> None:
    refused(
        STUDY, r"at least 4 members, and 6 trials of 'rbm' over 2 options are fewer: use --trials 8", tmp_path, trials=6
    )
    refused(STUDY, "--generations 40 needs as many updates, and there are 20", tmp_path, generations=40)
    refused(
        with_contender(evolves=("n_hidden",)),
        r"lets 'n_hidden' evolve, and its checkpoint does not go on .*\(64?",
        tmp_path,
    )
    refused(
        with_contender(evolves=("momentum",)),
        "lets 'momentum' evolve, which is not a path .*n_hidden, learning_rate",
        tmp_path,
    )
    refused(with_contender(evolves=()), "lets nothing evolve", tmp_path)
    refused(
        with_contender(space={"centred": Choice(True, False)}), "nothing that could evolve .*none of centred", tmp_path
    )
    stable = replace(STUDY, goal=Goal("stability", "maximize"))
    refused(stable, "stability, which is known at the end of training alone", tmp_path)


def test_what_evolves_is_named_or_found_and_stays_as_it_was(tmp_path: Path) -> None:
    named = with_contender(evolves=("centred", "learning_rate"))
    plan = new_plan(tmp_path, named, **POPULATION)
    assert plan.searches["rbm"].population is not None
    assert plan.searches["rbm"].population.evolves == ("centred", "learning_rate")
    with pytest.raises(UserError, match="has changed since it was started .*evolves.rbm"):
        reopen(with_contender(evolves=("learning_rate",)), SweepOptions(runs=tmp_path, resume="s"))


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
    assert len(found) == 13 and len(set(found.values())) >= 12
    assert found["mean-seed1"] == pytest.approx(found[best], abs=1e-6)


def test_the_first_segment_is_a_trial_like_any(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, **POPULATION)
    planned = plan.next()
    assert planned is not None
    assert planned.schedule == (Segment(0, planned.values, ()),)
