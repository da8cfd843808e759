"""The state of a sweep: counts, the best so far, what was spent and what is left. Its driver and a reader of its folder
see the same."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.folder import OUTCOME_KINDS, Outcome
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline
from gibbsweep.tune.status.bests import Best, bests_of


@dataclass(frozen=True)
class LastReport:
    """The last report of a run that has not ended: ``LastReport.of(step, metrics)``."""

    step: int
    """Updates done."""
    seconds: float = 0.0
    """Device-seconds spent in them."""
    restarts: int = 0
    """Restarts after a divergence."""

    @classmethod
    def of(cls, step: int, metrics: Mapping[str, Any]) -> LastReport:
        """The report of ``metrics`` after ``step`` updates."""
        return cls(step, float(metrics.get("train/device_seconds", 0.0)), int(metrics.get("train/restarts", 0)))


@dataclass(frozen=True)
class Level:
    """The trials of a contender at one of its rungs, or at the end of training."""

    step: int
    """Updates after which trials reach this level."""
    reached: int
    """Trials that have reached it."""
    waiting: int
    """Trials that pause here."""
    stayed: int
    """Trials that were ended here."""
    running: int
    """Trials on their way from the level before to this one."""
    copied: int = 0
    """Trials that went on from another trial's checkpoint here."""

    @property
    def went_on(self) -> int:
        """Trials that went on beyond this level."""
        return self.reached - self.waiting - self.stayed


@dataclass(frozen=True)
class ContenderOverview:
    """The state of one contender's search and retrainings."""

    name: str
    """The contender's name."""
    outline: Outline
    """Its planned work."""
    levels: tuple[Level, ...]
    """Its trials at each rung and, last, at the end of training."""
    ended: Mapping[str, int]
    """Search trials that have ended, by kind of outcome."""
    retrained_ended: Mapping[str, int]
    """Retrainings that have ended, by kind of outcome."""
    running: int
    """Search trials that train now."""
    waiting: int
    """Search trials that pause at a rung."""
    lost: int
    """Trials of a population that diverged, and wait for the end of their generation."""
    retraining: int
    """Retrainings that train now."""
    restarts: int
    """Restarts after divergences, of all runs."""
    bests: tuple[Best, ...]
    """The best trial by each goal, each trial once."""
    front: int
    """Trials that no other beats in all goals, of those that completed, or else of those that came furthest."""
    seconds: float
    """Device-seconds spent in updates."""
    updates_done: float
    """Updates of all runs so far."""
    updates_left: float
    """Updates that are still expected."""

    @property
    def best(self) -> Best | None:
        """The best trial by the first goal; None before there is one."""
        return self.bests[0] if self.bests else None

    @property
    def searched(self) -> int:
        """Search trials that have ended."""
        return sum(self.ended.values())

    @property
    def retrained(self) -> int:
        """Retrainings that have ended."""
        return sum(self.retrained_ended.values())

    @property
    def active(self) -> bool:
        """Whether any of its runs trains now."""
        return self.running + self.retraining > 0

    @property
    def runs(self) -> int:
        """All runs that are planned."""
        return self.outline.trials + len(self.outline.retrainings)


@dataclass(frozen=True)
class Overview:
    """The state of a sweep, see :func:`overview_of`."""

    contenders: tuple[ContenderOverview, ...]
    """The state of each contender, in the sweep's order."""

    def ended(self, kind: str) -> int:
        """Runs that have ended with an outcome of this kind."""
        return sum(c.ended[kind] + c.retrained_ended[kind] for c in self.contenders)

    @property
    def done(self) -> int:
        """Runs that have ended."""
        return sum(c.searched + c.retrained for c in self.contenders)

    @property
    def runs(self) -> int:
        """All runs that are planned."""
        return sum(c.runs for c in self.contenders)

    @property
    def running(self) -> int:
        """Runs that train now."""
        return sum(c.running + c.retraining for c in self.contenders)

    @property
    def waiting(self) -> int:
        """Trials that pause at a rung."""
        return sum(c.waiting for c in self.contenders)

    @property
    def promoted(self) -> int:
        """Promotions from a rung to the next, so far; a population has none."""
        return sum(level.went_on for c in self.contenders if not c.outline.population for level in c.levels[:-1])

    @property
    def copied(self) -> int:
        """Copies of another trial's checkpoint, so far."""
        return sum(level.copied for c in self.contenders for level in c.levels)

    @property
    def restarts(self) -> int:
        """Restarts after divergences."""
        return sum(c.restarts for c in self.contenders)

    @property
    def seconds(self) -> float:
        """Device-seconds spent in updates."""
        return sum(c.seconds for c in self.contenders)

    @property
    def seconds_left(self) -> float | None:
        """Device-seconds that updates still need, estimated from those so far; None before the first report.

        A contender that has not reported yet is taken to cost what the others do."""
        done = sum(c.updates_done for c in self.contenders)
        if not self.seconds or not done:
            return None
        rates = {c.name: c.seconds / c.updates_done if c.updates_done else self.seconds / done for c in self.contenders}
        return sum(rates[c.name] * c.updates_left for c in self.contenders)


def overview_of(
    outlines: Mapping[str, Outline],
    records: Mapping[str, Sequence[Record]],
    outcomes: Mapping[str, Outcome],
    last_reports: Mapping[str, LastReport],
    running: Collection[str],
) -> Overview:
    """The overview of a sweep: ``outlines`` and ``records`` by contender, ``outcomes`` and ``last_reports`` by run, and
    the names of the runs that are ``running``."""
    return Overview(
        tuple(
            _contender(name, outline, records[name], outcomes, last_reports, running)
            for name, outline in outlines.items()
        )
    )


@dataclass(slots=True)
class _Work:
    """The work of one run so far, or of several together."""

    updates: float = 0.0
    """Updates done."""
    seconds: float = 0.0
    """Device-seconds spent in them."""
    restarts: int = 0
    """Restarts after a divergence."""

    @classmethod
    def total(cls, works: Sequence[_Work]) -> _Work:
        """The work of several runs."""
        return cls(sum(w.updates for w in works), sum(w.seconds for w in works), sum(w.restarts for w in works))


@dataclass(slots=True)
class _Trial:
    """The state of one search trial."""

    state: str
    """The kind of its outcome, or the state that its record has."""
    reached: int
    """Levels that it has reached."""
    running: bool
    """Whether it trains now."""
    ended: bool
    """Whether it has an outcome."""
    work: _Work
    """Its work so far."""


def _contender(
    name: str,
    outline: Outline,
    records: Sequence[Record],
    outcomes: Mapping[str, Outcome],
    last_reports: Mapping[str, LastReport],
    running: Collection[str],
) -> ContenderOverview:
    steps = (*outline.rungs, outline.updates)
    trials = []
    for record in records:
        run = search_name(name, record.number)
        trials.append(_trial(record, steps, outcomes.get(run), last_reports.get(run), run in running))
    search_work = _Work.total([trial.work for trial in trials])
    retrainings = {
        run: _work(outcomes.get(run), last_reports.get(run), outline.updates, 0) for run in outline.retrainings
    }
    work = _Work.total([search_work, *retrainings.values()])
    ended = _by_kind(trial.state for trial in trials if trial.ended)
    left = 0.0
    if sum(ended.values()) < outline.trials:
        left = max(0.0, outline.trials * outline.expected - search_work.updates)
    left += sum(outline.updates - spent.updates for run, spent in retrainings.items() if run not in outcomes)
    bests, front = bests_of(name, outline, records)
    levels = _levels(steps, trials, Counter(copy.step for record in records for copy in record.copies))
    return ContenderOverview(
        name=name,
        outline=outline,
        levels=levels,
        ended=ended,
        retrained_ended=_by_kind(outcomes[run].kind for run in outline.retrainings if run in outcomes),
        running=sum(trial.running for trial in trials),
        waiting=sum(level.waiting for level in levels),
        lost=sum(trial.state == "lost" for trial in trials),
        retraining=sum(run in running and run not in outcomes for run in outline.retrainings),
        restarts=work.restarts,
        bests=bests,
        front=front,
        seconds=work.seconds,
        updates_done=work.updates,
        updates_left=left,
    )


def _trial(
    record: Record, steps: Sequence[int], outcome: Outcome | None, last_report: LastReport | None, running: bool
) -> _Trial:
    """The trial ``record``, whose contender has levels after ``steps`` updates."""
    state = record.state if outcome is None else outcome.kind
    updates = max(next(reversed(record.reports), 0), record.copies[-1].step if record.copies else 0)
    reached = len(steps) if state == "completed" else bisect_right(steps, updates)
    running = running and not (state in ("paused", "pruned") and reached)
    return _Trial(state, reached, running, outcome is not None, _work(outcome, last_report, steps[-1], updates))


def _levels(steps: Sequence[int], trials: Sequence[_Trial], copied: Mapping[int, int]) -> tuple[Level, ...]:
    """The levels after ``steps`` updates; ``copied``: copies of checkpoints, by updates."""
    reached = Counter(trial.reached for trial in trials)
    paused, pruned = (Counter(t.reached for t in trials if t.state == state) for state in ("paused", "pruned"))
    running = Counter(trial.reached for trial in trials if trial.running)
    return tuple(
        Level(
            step=step,
            reached=sum(count for last, count in reached.items() if last > before),
            waiting=paused[before + 1],
            stayed=pruned[before + 1],
            running=running[before],
            copied=copied.get(step, 0),
        )
        for before, step in enumerate(steps)
    )


def _by_kind(kinds: Iterable[str]) -> dict[str, int]:
    """Counts of each kind of outcome in ``kinds``."""
    return {**dict.fromkeys(OUTCOME_KINDS, 0), **Counter(kinds)}


def _work(outcome: Outcome | None, last_report: LastReport | None, updates: int, recorded_updates: int) -> _Work:
    """The work so far of a run of ``updates``: by its outcome, its last report, or the updates on its record, whichever
    there is. A run that was fitted at once counts as all of its updates."""
    if outcome is not None:
        done = updates if outcome.kind == "completed" else max(outcome.step, 0)
        return _Work(done, outcome.device_seconds, len(outcome.restarts))
    if last_report is not None:
        return _Work(last_report.step, last_report.seconds, last_report.restarts)
    return _Work(recorded_updates)
