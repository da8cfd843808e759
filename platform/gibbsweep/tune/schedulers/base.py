"""What a scheduler is: it says how far each trial runs. Two that need no rungs stand here as well."""

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
    """Decides over the trials of one contender with one compared option. ``index`` counts them from 0.

    It keeps nothing that it was not told, and it can be told again: after a crash it is rebuilt from the trials on record.
    """

    rungs: tuple[int, ...]
    """Updates, below the budget's end, at which a trial must report."""

    def runs_to(self, index: int) -> int:
        """The updates that a new trial runs to before it pauses."""
        ...

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        """Take a report of a running trial."""
        ...

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        """The trial has reached the rung it was to run to, and waits there, unless it went on long ago (``promoted``)."""
        ...

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        """A waiting trial that is good enough to go on, and what it runs to. It waits no more. ``ends``: what each trial is expected to
        end with, by index, where a model says so: they are ranked by that instead of their reports."""
        ...

    def rescue(self) -> tuple[int, int] | None:
        """The best waiting trial, good enough or not, and what it runs to: asked for when nothing else is left and nothing completed."""
        ...

    def hopeless(self) -> list[int]:
        """The waiting trials that :meth:`promote` will never return, whatever is reported from now on."""
        ...

    def close(self, index: int, completed: bool) -> None:
        """The trial has ended."""
        ...


class ToTheEnd:
    """Every trial runs to the end."""

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
        """Nothing to remember."""


class Judged(ToTheEnd):
    """Keeps the last reports of each running trial; judges by their median, of each objective by itself."""

    def __init__(self, updates: int, window: int) -> None:
        super().__init__(updates)
        self._window = window
        self._reports: dict[int, list[tuple[int, Losses]]] = {}

    def _judged(self, index: int, step: int, losses: Losses) -> Losses:
        """The median of the last reports of the trial, this one included; a report that is told again counts once."""
        kept = [entry for entry in self._reports.get(index, []) if entry[0] < step] + [(step, losses)]
        self._reports[index] = kept[-self._window :]
        # A report that is not finite ends its trial: there is none among these.
        return median([losses for _, losses in self._reports[index]])


def is_finite(losses: Losses) -> bool:
    return all(map(math.isfinite, losses))


def median(reports: Sequence[Losses]) -> Losses:
    """The median of each objective by itself."""
    return tuple(map(statistics.median, zip(*reports, strict=True)))


def behind_half(losses: Losses, peers: Sequence[Losses]) -> bool:
    """Whether ``losses`` are worse than the median of ``peers``; of several objectives, on a later front than more than half of
    them."""
    if len(losses) == 1:
        return losses > median(peers)
    rank, *others = front_ranks([losses, *peers])
    return sum(other < rank for other in others) > len(peers) / 2
