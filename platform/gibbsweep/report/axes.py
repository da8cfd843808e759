"""Searched paths as axes: where a value stands, and which ticks the axis has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.report.chart import Scale
from gibbsweep.report.evidence import Evidence, as_text, space_of
from gibbsweep.report.run import Run


@dataclass(frozen=True)
class Axis:
    """The axis of one searched path."""

    path: str
    scale: Scale
    options: Sequence[Any] = ()
    """The values of a path that is a choice, in order; empty for numbers."""

    def place(self, value: Any) -> float:
        """Where ``value`` stands: itself, or the number of its option; NaN for what is not on the axis."""
        if self.options:
            return float(self.options.index(value)) if value in self.options else math.nan
        if isinstance(value, int | float) and not (self.scale == "log" and value <= 0):
            return float(value)
        return math.nan

    def share(self, value: Any, low: float, high: float) -> float:
        """Where ``value`` stands between the places ``low`` and ``high``, from 0 to 1."""
        at = self.place(value)
        if self.scale == "log":
            at, low, high = (math.log(x) for x in (at, low, high))
        return 0.5 if high == low else (at - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """The names of the options at their places."""
        return [(float(i), as_text(option)) for i, option in enumerate(self.options)]


def varied_axes(evidence: Evidence, contender: str, runs: Sequence[Run]) -> list[Axis]:
    """An axis for each searched path of ``contender`` that has more than one value among ``runs``, the compared ones
    first."""
    space = space_of(evidence, contender)
    paths = list(dict.fromkeys(path for run in runs for path in (*run.option, *sorted(run.searched))))
    axes = []
    for path in paths:
        values = [run.values.get(path) for run in runs if path in run.searched or path in run.option]
        if len({as_text(value) for value in values}) < 2:
            continue
        axes.append(_axis(path, space.get(path), values))
    return axes


def _axis(path: str, domain: Any, values: Sequence[Any]) -> Axis:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if isinstance(domain, Mapping) and "choice" in domain:
        return Axis(path, "linear", [*domain["choice"]])
    if isinstance(domain, Mapping) and numbers:
        return Axis(path, "log" if domain.get("log") and min(values) > 0 else "linear")
    if numbers:
        return Axis(path, "linear")
    return Axis(path, "linear", sorted({as_text(value): value for value in values}.values(), key=as_text))


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The last word of each path, or the whole path where two would be alike."""
    words = [path.rpartition(".")[2] for path in paths]
    return {path: word if words.count(word) == 1 else path for path, word in zip(paths, words, strict=True)}
