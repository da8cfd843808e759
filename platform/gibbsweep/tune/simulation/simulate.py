"""The simulation of a sweep on a virtual clock: the search of a real sweep on learning curves, with any number of
workers."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass, replace
from typing import Any, Protocol

from optuna.storages import BaseStorage, InMemoryStorage

from gibbsweep.errors import UserError
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.contender import Contender
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Choice, Float
from gibbsweep.train import Budget, Outcome, OutcomeKind, Segment
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.simulation.curves import Curves, ScheduledCurves
from gibbsweep.tune.simulation.front_curves import FrontCurves, FrontSoFar

MOST_OBJECTIVES = 4
"""The most objectives that can be simulated."""
GOALS = [Goal("loss" if i == 0 else f"loss_{i + 1}", "minimize") for i in range(MOST_OBJECTIVES)]


@dataclass(frozen=True)
class Job:
    """A stretch of training of one trial."""

    number: int
    """The trial's number."""
    values: Mapping[str, Any]
    """The values that it trains with."""
    start: int
    """Updates that it has behind it."""
    end: int
    """Updates that it trains to."""
    schedule: tuple[Segment, ...] = ()
    """All values of the trial by updates, ``values`` last, if it has trained with others before."""


class Policy(Protocol):
    """Decides what a free worker does: our search, or another library's."""

    report_at: tuple[int, ...]
    """Updates at which trials report, the last of them the end."""

    def next(self) -> Job | None:
        """A job for a free worker; None if there is none now."""
        ...

    def report(self, job: Job, step: int, loss: float) -> bool:
        """Receive the ``loss`` after ``step`` updates. Returns whether the trial stops now, before the job's end."""
        ...

    def finished(self, job: Job) -> None:
        """Note that ``job`` has reached its end."""
        ...

    def outcomes(self) -> Counter[str]:
        """The number of trials that have ended so far, by kind of outcome."""
        ...


@dataclass
class Simulation:
    """The course of a simulated sweep."""

    best: list[tuple[float, float]] = field(default_factory=list)
    """(virtual seconds, quality) whenever another trial became the best. The best is chosen by its noisy report, as a
    person would choose it; its quality is without the noise. With several objectives the best is a front, and its
    quality is the share of the losses' box that it misses."""
    wall: float = 0.0
    """Virtual seconds until the end."""
    device_seconds: float = 0.0
    """Virtual seconds that workers trained, added up."""
    updates: int = 0
    """Updates of all trials."""
    segments: int = 0
    """Jobs that were started."""
    ended: Counter[str] = field(default_factory=Counter)
    """Trials that have ended, by kind of outcome."""

    def time_to(self, loss: float) -> float:
        """Virtual seconds until the quality of the best was at most ``loss``; infinite if it never was."""
        return next((time for time, quality in self.best if quality <= loss), math.inf)

    def efficiency(self, workers: int) -> float:
        """The share of the workers' time that they trained."""
        return self.device_seconds / (workers * self.wall) if self.wall else 0.0


def simulate(
    policy: Policy, curves: Curves, *, workers: int, overhead: float = 0.0, until: float = math.inf
) -> Simulation:
    """Simulate ``policy`` on ``curves`` to its end, or to the virtual time ``until``::

        policy = SearchPolicy.of(curves, trials=200, seed=0, sampler="tpe", scheduler=SchedulerConfig("halving"))
        simulate(policy, curves, workers=8).time_to(0.1)

    ``overhead``: seconds that a job takes to start.
    """
    simulation = Simulation()
    events: list[tuple[float, int, Job, int]] = []  # reports: (time, order, job, updates)
    now, count, free, lowest = 0.0, 0, workers, math.inf
    front = FrontSoFar(curves) if isinstance(curves, FrontCurves) else None

    def schedule(job: Job, step: int, start: float) -> None:
        nonlocal count
        next_step = min(next(later for later in policy.report_at if later > step), job.end)
        seconds = (next_step - step) * curves.seconds(job.values, job.number)
        count += 1
        heapq.heappush(events, (start + seconds, count, job, next_step))

    while True:
        while free and (job := policy.next()) is not None:
            free -= 1
            simulation.segments += 1
            schedule(job, job.start, now + overhead)
        if not events or events[0][0] > until:
            break
        now, _, job, step = heapq.heappop(events)
        before = max((earlier for earlier in (job.start, *policy.report_at) if earlier < step), default=0)
        simulation.updates += step - before
        simulation.device_seconds += (step - before) * curves.seconds(job.values, job.number)
        loss = loss_of(curves, job, step)
        if front is not None:
            missed = front.add_report(job.values, job.number, step)
            simulation.best += [] if missed is None else [(now, missed)]
        elif loss < lowest:
            lowest = loss
            simulation.best.append((now, _quality_of(curves, job, step)))
        if policy.report(job, step, loss):
            free += 1
        elif step < job.end:
            schedule(job, step, now)
        else:
            policy.finished(job)
            free += 1
    simulation.wall, simulation.ended = now, policy.outcomes()
    return simulation


def loss_of(curves: Curves, job: Job, step: int) -> float:
    """The loss that the trial of ``job`` reports after ``step`` updates."""
    if not job.schedule:
        return curves.loss(job.values, job.number, step)
    return _scheduled(curves).loss_along(job.schedule, job.number, step)


def _quality_of(curves: Curves, job: Job, step: int) -> float:
    if not job.schedule:
        return curves.quality(job.values, job.number, step)
    return _scheduled(curves).quality_along(job.schedule, job.number, step)


def _scheduled(curves: Curves) -> ScheduledCurves:
    if not isinstance(curves, ScheduledCurves):
        raise UserError(
            f"{type(curves).__name__} say nothing of values that change while a trial trains, as a population's do: "
            "simulate it on synthetic curves, without --curves."
        )
    return curves


def _compared(curves: Curves, rows: int) -> Contender:
    """The contender of ``curves``, with so many compared options if there are several."""
    if rows == 1:
        return Contender(curves.config, "baseline", curves.space)
    kind = make_dataclass("Compared", [("row", int, 1)], bases=(type(curves.config),), frozen=True)
    space = {"row": Choice(*range(1, rows + 1)), **curves.space}
    return Contender(kind(**vars(curves.config)), "baseline", space, compare="row")


class SearchPolicy:
    """The policy of our own search, as a sweep runs it; :meth:`of` makes one."""

    search: Search
    """The search of the one contender."""
    report_at: tuple[int, ...]
    """Updates at which trials report, the last of them the end."""

    def __init__(self, search: Search, curves: Curves, report_every: int) -> None:
        self.search, self._curves, updates = search, curves, curves.updates
        every = range(report_every, updates, report_every)
        self.report_at = tuple(sorted({*every, *search.rungs, updates}))

    @classmethod
    def of(
        cls,
        curves: Curves,
        *,
        trials: int,
        seed: int,
        sampler: SamplerName,
        scheduler: SchedulerConfig,
        report_every: int = 0,
        storage: BaseStorage | None = None,
        rows: int = 1,
        borrow: bool = True,
    ) -> SearchPolicy:
        """The policy of a search in the space of ``curves``. ``report_every`` 0: trials report at the rungs and the end
        alone. ``rows``: compared options that are equal in truth, with so many ``trials`` each; the path ``row`` says
        which one a trial has."""
        compared = _compared(curves, rows)
        contender = ContenderAtBudget(
            "simulated",
            compared,
            compared.config,
            Budget(curves.updates, 1, report_every or curves.updates),
            tuple(GOALS[: curves.objectives if isinstance(curves, FrontCurves) else 1]),
        )
        search = Search(
            storage or InMemoryStorage(),
            contender,
            trials=trials,
            seed=seed,
            sampler=sampler,
            scheduler=scheduler,
            evolves=[path for path, domain in curves.space.items() if isinstance(domain, Float)],
            borrow=borrow,
        )
        return cls(search, curves, report_every or curves.updates)

    def next(self) -> Job | None:
        """A job for a free worker; None if there is none now."""
        search = self.search
        record = search.promote() or (search.ask() if len(search.records) < search.trials else None)
        for arm in search.arms if record is None else ():
            record, ended = search.settle(arm)
            if record is not None:
                break
            for waiting in ended:
                kind: OutcomeKind = "diverged" if waiting.state == "lost" else "pruned"
                search.tell(waiting.number, Outcome(kind, waiting.runs_to), stranded=True)
        return None if record is None else self.job(record)

    def job(self, record: Record) -> Job:
        """The job of the running trial ``record``."""
        population = self.search.population
        schedule = () if population is None else population.schedule(record.number)
        return Job(record.number, record.values, record.updates_done, record.runs_to, schedule)

    def report(self, job: Job, step: int, loss: float) -> bool:
        """Receive the ``loss`` after ``step`` updates. Returns whether the trial stops now, before the job's end."""
        verdict = self.search.report(job.number, step, self._metrics(job, step))
        if verdict == "go":
            return False
        self.search.tell(job.number, Outcome("pruned" if verdict == "prune" else "diverged", step))
        return True

    def finished(self, job: Job) -> None:
        """Note that ``job`` has reached its end."""
        if job.end < self.report_at[-1]:
            self.search.pause(job.number)
        else:
            self.search.tell(job.number, Outcome("completed", job.end, self._metrics(job, job.end)))

    def row_qualities(self) -> list[float]:
        """The quality of each row's best trial, whose report was the best at the end of its training; of the rows that
        have one."""
        bests = [arm.best() for arm in self.search.arms]
        return [
            _quality_of(self._curves, replace(self.job(best), end=self.report_at[-1]), self.report_at[-1])
            for best in bests
            if best is not None
        ]

    def outcomes(self) -> Counter[str]:
        """The number of trials by the states of their records."""
        return Counter(record.state for record in self.search.records)

    def _metrics(self, job: Job, step: int) -> dict[str, float]:
        """The losses of all objectives after ``step`` updates, by their goals' metrics."""
        curves = self._curves
        if isinstance(curves, FrontCurves):
            losses = curves.losses(job.values, job.number, step)
        else:
            losses = (loss_of(curves, job, step),)
        return {goal.metric: loss for goal, loss in zip(self.search.goals, losses, strict=True)}
