"""A sweep with a virtual clock: the searcher and the scheduler of a real one against learning curves, with any number of workers."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from optuna.storages import BaseStorage, InMemoryStorage

from gibbsweep.errors import UserError
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Float
from gibbsweep.study.study import Contender
from gibbsweep.train import Outcome, OutcomeKind, Segment
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerForm
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.simulation.curves import Curves, ScheduledCurves
from gibbsweep.tune.simulation.front_curves import FrontCurves, FrontSoFar

MOST_OBJECTIVES = 4
GOALS = [Goal("loss" if i == 0 else f"loss_{i + 1}", "minimize") for i in range(MOST_OBJECTIVES)]


@dataclass(frozen=True)
class Job:
    """A trial to train on: ``values``, from ``start`` to ``end`` updates."""

    number: int
    values: Mapping[str, Any]
    start: int
    end: int
    schedule: tuple[Segment, ...] = ()
    """Where ``values`` are the last of several: all of them."""


class Policy(Protocol):
    """Whatever decides what a free worker does: our search, or another library's."""

    report_at: tuple[int, ...]
    """Updates at which trials report, the last of them the end."""

    def next(self) -> Job | None:
        """A job for a free worker; None if there is none now."""
        ...

    def report(self, job: Job, step: int, loss: float) -> bool:
        """Take a report; whether the trial stops now, before the job's end."""
        ...

    def finished(self, job: Job) -> None:
        """The job has reached its ``end``."""
        ...

    def outcomes(self) -> Counter[str]:
        """How the trials ended so far."""
        ...


@dataclass
class Simulation:
    """What happened. ``best``: (virtual seconds, the quality of what was best by its report until then), one entry each time that this
    changes: chosen by the noisy report, as a person would, and worth what it is without the noise. With several objectives the best is a
    front, worth the share of the losses' box that it misses."""

    best: list[tuple[float, float]] = field(default_factory=list)
    wall: float = 0.0
    device_seconds: float = 0.0
    updates: int = 0
    segments: int = 0
    ended: Counter[str] = field(default_factory=Counter)

    def time_to(self, loss: float) -> float:
        """Virtual seconds until the best was at most ``loss``; infinite if it never was."""
        return next((time for time, quality in self.best if quality <= loss), math.inf)

    def efficiency(self, workers: int) -> float:
        """Device-seconds of training over those that the workers were there for."""
        return self.device_seconds / (workers * self.wall) if self.wall else 0.0


def simulate(
    policy: Policy, curves: Curves, *, workers: int, overhead: float = 0.0, until: float = math.inf
) -> Simulation:
    """Run ``policy`` to its end, or to the virtual time ``until``. ``overhead``: seconds that a job takes to start."""
    found = Simulation()
    events: list[tuple[float, int, Job, int]] = []  # when, in which order, whose, after how many updates
    now, count, free, lowest = 0.0, 0, workers, math.inf
    front = FrontSoFar(curves) if isinstance(curves, FrontCurves) else None

    def schedule(job: Job, step: int, start: float) -> None:
        nonlocal count
        following = next(at for at in policy.report_at if at > step)
        following = min(following, job.end)
        spent = (following - step) * curves.seconds(job.values, job.number)
        count += 1
        heapq.heappush(events, (start + spent, count, job, following))

    while True:
        while free and (job := policy.next()) is not None:
            free -= 1
            found.segments += 1
            schedule(job, job.start, now + overhead)
        if not events or events[0][0] > until:
            break
        now, _, job, step = heapq.heappop(events)
        before = max((at for at in (job.start, *policy.report_at) if at < step), default=0)
        found.updates += step - before
        found.device_seconds += (step - before) * curves.seconds(job.values, job.number)
        loss = loss_of(curves, job, step)
        if front is not None:
            missed = front.take(job.values, job.number, step)
            found.best += [] if missed is None else [(now, missed)]
        elif loss < lowest:
            lowest = loss
            found.best.append((now, _quality_of(curves, job, step)))
        if policy.report(job, step, loss):
            free += 1
        elif step < job.end:
            schedule(job, step, now)
        else:
            policy.finished(job)
            free += 1
    found.wall, found.ended = now, policy.outcomes()
    return found


def loss_of(curves: Curves, job: Job, step: int) -> float:
    """What the trial reports after ``step`` updates."""
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
            f"{type(curves).__name__} say nothing of values that change while a trial trains, as a population's do: simulate it on "
            "synthetic curves, without --curves."
        )
    return curves


class SearchPolicy:
    """Our own search, as a sweep runs it."""

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
        scheduler: SchedulerForm,
        report_every: int = 0,
        storage: BaseStorage | None = None,
    ) -> SearchPolicy:
        """For one contender that is searched in the space of ``curves``. ``report_every`` 0: at the rungs and the end alone."""
        search = Search(
            storage or InMemoryStorage(),
            "simulated",
            Contender(curves.config, "baseline", curves.space),
            tuple(GOALS[: curves.objectives]) if isinstance(curves, FrontCurves) else GOALS[0],
            updates=curves.updates,
            trials=trials,
            seed=seed,
            sampler=sampler,
            scheduler=scheduler,
            evolves=[path for path, domain in curves.space.items() if isinstance(domain, Float)],
        )
        return cls(search, curves, report_every or curves.updates)

    def next(self) -> Job | None:
        search = self.search
        record = search.promote() or (search.ask() if len(search.records) < search.trials else None)
        if record is None:
            record, ended = search.settle(None)
            for waiting in ended:
                kind: OutcomeKind = "diverged" if waiting.state == "lost" else "pruned"
                search.tell(waiting.number, Outcome(kind, waiting.runs_to), stranded=True)
        return None if record is None else self.job(record)

    def job(self, record: Record) -> Job:
        """What a running trial has to do."""
        population = self.search.population
        schedule = () if population is None else population.schedule(record.number)
        return Job(record.number, record.values, record.at, record.runs_to, schedule)

    def report(self, job: Job, step: int, loss: float) -> bool:
        verdict = self.search.report(job.number, step, loss, self._metrics(job, step))
        if verdict == "go":
            return False
        self.search.tell(job.number, Outcome("pruned" if verdict == "prune" else "diverged", step))
        return True

    def finished(self, job: Job) -> None:
        if job.end < self.report_at[-1]:
            self.search.pause(job.number)
        else:
            self.search.tell(job.number, Outcome("completed", job.end, self._metrics(job, job.end)))

    def outcomes(self) -> Counter[str]:
        return Counter(record.state for record in self.search.records)

    def _metrics(self, job: Job, step: int) -> dict[str, float]:
        curves = self._curves
        if isinstance(curves, FrontCurves):
            losses = curves.losses(job.values, job.number, step)
        else:
            losses = (loss_of(curves, job, step),)
        return {goal.metric: loss for goal, loss in zip(self.search.goals, losses, strict=True)}
