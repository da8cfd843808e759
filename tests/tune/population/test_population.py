"""A population on a virtual clock: the same whoever comes first and whenever it is killed, and better than any constant
on a parabola."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from tests.tune.falling import policy

from gibbsweep.errors import UserError
from gibbsweep.study.space import Float, Space
from gibbsweep.train import Segment
from gibbsweep.tune.population.lineage import lineage, schedule_of
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.simulation.curves import SyntheticCurves
from gibbsweep.tune.simulation.simulate import SearchPolicy, loss_of, simulate

FORM = SchedulerConfig("population", generations=5)


@dataclass(frozen=True)
class Rate:
    learning_rate: float = 0.1


@dataclass(frozen=True)
class NoisyParabola:
    """E[w²] under stochastic gradient descent on w² / 2 whose gradients have the variance ``noise``: m <- (1 - rate)² m
    + rate² noise.

    The best rate of an update is m / (m + noise), which falls as 1 / updates, and with it 1 / m grows by 1 / noise in
    each: no schedule ends below 1 / (1 / m_0 + updates / noise). A constant rate can only fall fast or end low."""

    updates: int = 200
    noise: float = 4.0
    config: Rate = Rate()

    @property
    def space(self) -> Space:
        return {"learning_rate": Float(1e-3, 1.0, log=True)}

    @property
    def optimum(self) -> float:
        return 1 / (1 + self.updates / self.noise)

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return self.loss_along((Segment(0, values),), number, step)

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        return self.loss(values, number, step)

    def loss_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        m = 1.0
        for segment, end in zip(schedule, [*(s.start for s in schedule[1:]), step], strict=True):
            rate = segment.values["learning_rate"]
            for _ in range(segment.start, min(end, step)):
                m = (1 - rate) ** 2 * m + rate**2 * self.noise
        return m

    def quality_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        return self.loss_along(schedule, number, step)

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        return 1.0


def test_a_population_beats_every_constant_rate_where_the_best_one_changes() -> None:
    curves = NoisyParabola()
    best_constant = min(curves.loss({"learning_rate": 10 ** (e / 100)}, 0, 200) for e in range(-300, 1))
    found = []
    for seed in range(3):
        ours = policy(SchedulerConfig("population", generations=20), curves, trials=16, seed=seed, report_every=0)
        simulate(ours, curves, workers=3)
        best = ours.search.arms[0].best()
        assert best is not None and best.objectives is not None and ours.search.population is not None
        schedule = ours.search.population.schedule(best.number)
        assert best.objectives == (curves.loss_along(schedule, 0, 200),), "the schedule is what it was trained with"
        rates = [segment.values["learning_rate"] for segment in schedule]
        assert rates[-1] < rates[0] / 2, "it falls, as the best one does"
        found.append(best.objectives[0])
    assert curves.optimum < min(found) and max(found) < 0.9 * best_constant


def told(ours: SearchPolicy) -> list[Any]:
    return [(r.initial_values, r.values, r.copies, r.state, r.reports, sorted(r.lost)) for r in ours.search.records]


@pytest.mark.parametrize("workers", [2, 5, 64])
@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_workers_makes_the_same_population(workers: int, seed: int) -> None:
    curves = SyntheticCurves(seed=seed, updates=40)
    populations = []
    for n in (1, workers):
        ours = policy(FORM, curves, trials=18, seed=seed)
        simulate(ours, curves, workers=n)
        populations.append(told(ours))
    assert populations[0] == populations[1]
    assert any(copies for _, _, copies, *_ in populations[0])


class Killed(BaseException):
    """SIGKILL between two writes to the journal."""


class Mortal(InMemoryStorage):
    """Raises after so many writes."""

    def __init__(self) -> None:
        super().__init__()
        self.left = math.inf

    def _write(self) -> None:
        if self.left <= 0:
            raise Killed
        self.left -= 1

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._write()
        super().set_trial_user_attr(trial_id, key, value)

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        self._write()
        super().set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        self._write()
        return super().set_trial_state_values(trial_id, state, values)


@settings(max_examples=40, deadline=None)
@given(waits=st.lists(st.integers(0, 150), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_a_kill_between_any_two_writes_changes_nothing(waits: list[int], seed: int) -> None:
    curves = SyntheticCurves(seed=seed, updates=40)
    whole = policy(FORM, curves, seed=seed, trials=12)
    simulate(whole, curves, workers=1)
    storage, lives = Mortal(), itertools.chain(waits, itertools.repeat(math.inf))
    while True:
        storage.left = next(lives)
        try:
            _live(ours := policy(FORM, curves, storage, seed=seed, trials=12), curves)
            break
        except Killed:
            continue
    assert told(ours) == told(whole)
    states = {trial.state for trial in storage.get_all_trials(0)}
    assert states <= {TrialState.COMPLETE, TrialState.FAIL}


def _live(ours: SearchPolicy, curves: SyntheticCurves) -> None:
    left = [ours.job(record) for record in ours.search.interrupted()]
    while (job := left.pop() if left else ours.next()) is not None:
        for step in [at for at in ours.report_at if job.start < at <= job.end]:
            if ours.report(job, step, loss_of(curves, job, step)):
                break
        else:
            ours.finished(job)


@dataclass(frozen=True)
class Doomed(SyntheticCurves):
    """Nobody comes past the first generation."""

    def loss_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        return math.nan


def test_a_population_that_is_lost_altogether_has_diverged() -> None:
    ours = policy(FORM, Doomed(), trials=8)
    assert simulate(ours, Doomed(), workers=3).ended == {"diverged": 8}
    assert ours.search.arms[0].best() is None


def test_a_lineage_is_the_history_of_the_weights() -> None:
    curves = SyntheticCurves(seed=1, updates=40)
    ours = policy(SchedulerConfig("population", generations=10), curves, trials=16)
    simulate(ours, curves, workers=4)
    records = ours.search.records
    for record in records:
        path = lineage(records, record.number)
        assert path[0][1] == 0 and path[-1][0] == record.number
        for (donor, start), (trial, step) in itertools.pairwise(path):
            assert start < step
            (copied,) = [c for c in records[trial].copies if c.step == step]
            assert copied.donor == donor
            assert not any(c.step == step for c in records[donor].copies), "a donor is not replaced where it gives"
        schedule = schedule_of(records, record.number)
        assert schedule[-1].values == record.values
        assert len({segment.stream for segment in schedule}) == len(schedule)


def test_drawn_curves_have_no_values_that_change() -> None:
    class Drawn(NoisyParabola):
        loss_along = None  # type: ignore[assignment]

    curves = Drawn()
    with pytest.raises(UserError, match="Drawn say nothing of values that change while a trial trains"):
        simulate(policy(FORM, curves, trials=8), curves, workers=1)
