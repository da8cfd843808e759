"""The contract of a scheduler, which decides how far each trial runs, and the parts that several schedulers share."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal, Protocol

from gibbsweep.results.dominance import front_ranks

Verdict = Literal["go", "prune", "diverge"]

Losses = tuple[float, ...]
"""The loss of each objective of a trial; lower is better."""


class Scheduler(Protocol):
    """Decides how far the trials of one arm run. ``index`` is a trial's number in its arm, counted from 0.

    A scheduler holds only what was reported to it. After a crash a new one is built, and the reports on record are
    replayed to it.

    For example::

        scheduler = SchedulerConfig("halving").build(updates=900, trials=9)
        scheduler.runs_to(0)  # the first rung
        scheduler.report(0, 100, (0.7,))  # "go", "prune" or "diverge"
    """

    rungs: tuple[int, ...]
    """Updates, below the end of the budget, at which a trial must report."""

    def runs_to(self, index: int) -> int:
        """Updates up to which a new trial runs before it pauses."""
        ...

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        """Judge a report of a running trial."""
        ...

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        """Note that the trial has reached the rung that it was to run to. It waits at that rung, unless it has been
        promoted from it already (``promoted``, on resume)."""
        ...

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        """A waiting trial that is good enough to go on, and the updates that it then runs to; None if no trial is. The
        trial waits no more. ``ends``: the loss that each trial is expected to end with, by index, if a model predicts
        it. Trials are then ranked by it instead of by their reports."""
        ...

    def rescue(self) -> tuple[int, int] | None:
        """The best waiting trial, good enough or not, and the updates that it then runs to. The search asks for it once
        nothing else is left to run and no trial has completed."""
        ...

    def hopeless(self) -> list[int]:
        """The waiting trials that :meth:`promote` will never return, whatever is reported from now on."""
        ...

    def close(self, index: int, completed: bool) -> None:
        """Note that the trial has ended."""
        ...


class ToTheEnd:
    """The scheduler ``none``: every trial runs to the end.

    For example::

        ToTheEnd(updates=900).runs_to(0)  # 900
    """

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.rungs: tuple[int, ...] = ()

    def runs_to(self, index: int) -> int:
        return self.updates

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        return "go"

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        raise ValueError(f"trial {index} paused at update {step}, and nothing pauses under this scheduler")

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        return None

    def rescue(self) -> tuple[int, int] | None:
        return None

    def hopeless(self) -> list[int]:
        return []

    def close(self, index: int, completed: bool) -> None:
        """Do nothing: the scheduler holds nothing about a trial."""


class MedianWindow(ToTheEnd):
    """A scheduler that judges a trial by the median of its last ``window`` reports, of each objective by itself."""

    def __init__(self, updates: int, window: int) -> None:
        super().__init__(updates)
        self._window = window
        self._reports: dict[int, list[tuple[int, Losses]]] = {}

    def _median_report(self, index: int, step: int, losses: Losses) -> Losses:
        """The median of the last reports of the trial, including this one. A report that is replayed counts once."""
        reports = [entry for entry in self._reports.get(index, []) if entry[0] < step] + [(step, losses)]
        self._reports[index] = reports[-self._window :]
        # All of these are finite: a report that is not finite ends its trial.
        return median([losses for _, losses in self._reports[index]])


def is_finite(losses: Losses) -> bool:
    """Whether every loss is finite."""
    return all(map(math.isfinite, losses))


def median(reports: Sequence[Losses]) -> Losses:
    """The median of each objective by itself."""
    return tuple(map(statistics.median, zip(*reports, strict=True)))


def behind_half(losses: Losses, peers: Sequence[Losses]) -> bool:
    """Whether ``losses`` are worse than the median of ``peers``; with several objectives, whether they are on a later
    front than more than half of the peers."""
    if len(losses) == 1:
        return losses > median(peers)
    rank, *others = front_ranks([losses, *peers])
    return sum(other < rank for other in others) > len(peers) / 2
