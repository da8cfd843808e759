"""Where a sweep stands: counts, the best so far, what was spent and what is left. The same for its driver and for who reads its folder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.train import OUTCOME_KINDS, Outcome
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline
from gibbsweep.tune.status.bests import Best, bests_of


@dataclass(frozen=True)
class Underway:
    """The last report of a run that has not ended."""

    step: int
    seconds: float = 0.0
    restarts: int = 0

    @classmethod
    def of(cls, step: int, metrics: Mapping[str, Any]) -> Underway:
        """From the metrics of a report."""
        return cls(step, float(metrics.get("train/device_seconds", 0.0)), int(metrics.get("train/restarts", 0)))


@dataclass(frozen=True)
class Level:
    """A rung, or the end of training, after ``step`` updates: ``running`` trials are on their way to it; of those that have
    ``reached`` it, ``waiting`` pause there, ``stayed`` ended there, and the others went on, ``copied`` of them from another one's
    checkpoint."""

    step: int
    reached: int
    waiting: int
    stayed: int
    running: int
    copied: int = 0

    @property
    def went_on(self) -> int:
        return self.reached - self.waiting - self.stayed


@dataclass(frozen=True)
class ContenderOverview:
    """``searched`` trials have ended, as ``ended`` says by kind; so have ``retrained`` retrainings, as ``retrained_ended`` says.
    ``bests``: one for each goal, and of several goals ``front`` trials that no other beats in all, of those that completed, or else of those
    that came furthest."""

    name: str
    outline: Outline
    levels: tuple[Level, ...]
    ended: Mapping[str, int]
    retrained_ended: Mapping[str, int]
    running: int
    waiting: int
    lost: int
    retraining: int
    restarts: int
    bests: tuple[Best, ...]
    front: int
    seconds: float
    updates_done: float
    updates_left: float

    @property
    def best(self) -> Best | None:
        """By the first goal."""
        return self.bests[0] if self.bests else None

    @property
    def searched(self) -> int:
        return sum(self.ended.values())

    @property
    def retrained(self) -> int:
        return sum(self.retrained_ended.values())

    @property
    def active(self) -> bool:
        return self.running + self.retraining > 0

    @property
    def runs(self) -> int:
        return self.outline.trials + len(self.outline.retrainings)


@dataclass(frozen=True)
class Overview:
    contenders: tuple[ContenderOverview, ...]

    def ended(self, kind: str) -> int:
        return sum(c.ended[kind] + c.retrained_ended[kind] for c in self.contenders)

    @property
    def done(self) -> int:
        return sum(c.searched + c.retrained for c in self.contenders)

    @property
    def runs(self) -> int:
        return sum(c.runs for c in self.contenders)

    @property
    def running(self) -> int:
        return sum(c.running + c.retraining for c in self.contenders)

    @property
    def waiting(self) -> int:
        return sum(c.waiting for c in self.contenders)

    @property
    def promoted(self) -> int:
        return sum(level.went_on for c in self.contenders if not c.outline.population for level in c.levels[:-1])

    @property
    def copied(self) -> int:
        return sum(level.copied for c in self.contenders for level in c.levels)

    @property
    def restarts(self) -> int:
        return sum(c.restarts for c in self.contenders)

    @property
    def seconds(self) -> float:
        """Device-seconds in updates."""
        return sum(c.seconds for c in self.contenders)

    @property
    def seconds_left(self) -> float | None:
        """Device-seconds still to be spent in updates, if those that were are a guide; a contender without any costs what the
        others do. None before the first report."""
        done = sum(c.updates_done for c in self.contenders)
        if not self.seconds or not done:
            return None
        rates = {c.name: c.seconds / c.updates_done if c.updates_done else self.seconds / done for c in self.contenders}
        return sum(rates[c.name] * c.updates_left for c in self.contenders)


def overview(
    outlines: Mapping[str, Outline],
    records: Mapping[str, Sequence[Record]],
    outcomes: Mapping[str, Outcome],
    underway: Mapping[str, Underway],
    running: Collection[str],
) -> Overview:
    """``records`` by contender; ``outcomes`` and ``underway`` by run; ``running`` are the runs that train now."""
    return Overview(
        tuple(_contender(name, one, records[name], outcomes, underway, running) for name, one in outlines.items())
    )


def _contender(
    name: str,
    outline: Outline,
    records: Sequence[Record],
    outcomes: Mapping[str, Outcome],
    underway: Mapping[str, Underway],
    running: Collection[str],
) -> ContenderOverview:
    levels = (*outline.rungs, outline.updates)
    came = [0] * (len(levels) + 1)  # trials that have reached so many levels
    waiting, stayed, towards = [0] * len(levels), [0] * len(levels), [0] * (len(levels) + 1)
    ended: dict[str, int] = dict.fromkeys(OUTCOME_KINDS, 0)
    retrained: dict[str, int] = dict.fromkeys(OUTCOME_KINDS, 0)
    copied = [0] * len(levels)
    searching = restarts = lost = 0
    seconds = done = search_done = 0.0
    for record in records:
        run = search_name(name, record.number)
        outcome = outcomes.get(run)
        state = record.state if outcome is None else outcome.outcome
        last = max(next(reversed(record.reports), 0), record.copies[-1].step if record.copies else 0)
        for copy in record.copies:
            copied[levels.index(copy.step)] += 1
        lost += state == "lost"
        reached = len(levels) if state == "completed" else bisect_right(levels, last)
        came[reached] += 1
        if state == "paused" and reached:
            waiting[reached - 1] += 1
        elif state == "pruned" and reached:
            stayed[reached - 1] += 1
        elif run in running:
            searching += 1
            towards[reached] += 1
        if outcome is not None:
            ended[outcome.outcome] += 1
        step, spent, again = _spent(outcome, underway.get(run), outline.updates, last)
        search_done, seconds, restarts = search_done + step, seconds + spent, restarts + again
    retraining = 0
    left = max(0.0, outline.trials * outline.expected - search_done) if sum(ended.values()) < outline.trials else 0.0
    done += search_done
    for run in outline.retrainings:
        outcome = outcomes.get(run)
        retraining += outcome is None and run in running
        step, spent, again = _spent(outcome, underway.get(run), outline.updates, 0)
        done, seconds, restarts = done + step, seconds + spent, restarts + again
        if outcome is None:
            left += outline.updates - step
        else:
            retrained[outcome.outcome] += 1
    bests, front = bests_of(name, outline, records)
    reached_at = [sum(came[k + 1 :]) for k in range(len(levels))]
    return ContenderOverview(
        name=name,
        outline=outline,
        levels=tuple(Level(*row) for row in zip(levels, reached_at, waiting, stayed, towards, copied, strict=False)),
        ended=ended,
        retrained_ended=retrained,
        running=searching,
        waiting=sum(waiting),
        lost=lost,
        retraining=retraining,
        restarts=restarts,
        bests=bests,
        front=front,
        seconds=seconds,
        updates_done=done,
        updates_left=left,
    )


def _spent(outcome: Outcome | None, underway: Underway | None, updates: int, last: int) -> tuple[int, float, int]:
    """(updates, device-seconds, restarts) of a run. What was fitted at once counts as all of its updates."""
    if outcome is not None:
        step = updates if outcome.outcome == "completed" else max(outcome.step, 0)
        return step, outcome.device_seconds, len(outcome.restarts)
    if underway is not None:
        return underway.step, underway.seconds, underway.restarts
    return last, 0.0, 0
