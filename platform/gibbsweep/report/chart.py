"""What a figure draws, in numbers and words: the browser and the paper draw the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

PALETTE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
"""The colours C0 to C9 of matplotlib, so that a row has one colour in every figure of a study."""
GREY = "#8a8a8a"

Mode = Literal["lines", "points", "steps", "bars"]
Scale = Literal["linear", "log"]
Side = Literal["above", "below", "right"]


Marker = Literal["circle", "square", "triangle", "cross"]
"""The sign of a point."""


@dataclass(frozen=True)
class Line:
    """Points that share a colour and a name in the legend: ``Line("k = 10", [1, 2], [0.5, 0.7], "#1f77b4")``.

    A NaN among ``y`` parts a line, so that one may hold the curves of many runs.
    """

    label: str
    x: Sequence[float]
    """Numbers; for ``bars`` the lengths of horizontal bars."""
    y: Sequence[float | str]
    """Numbers; for ``bars`` the names of the bars."""
    colour: str
    mode: Mode = "lines"
    also_x: Sequence[float] = ()
    """Other places on the horizontal axis, to which a reader can switch; empty without."""
    y_error: Sequence[float] = ()
    """Standard deviations; empty without."""
    texts: Sequence[tuple[str, int]] = ()
    """What a reader sees at points: (text, number of points in a row that have it)."""
    marker: Marker = "circle"
    width: float = 1.6
    size: float = 6.0
    opacity: float = 1.0
    dashed: bool = False
    legend: bool = True


@dataclass(frozen=True)
class Chart:
    """A figure.

    For example::

        Chart("cost", "Quality against cost", [Line("rbm", [1.2], [-110.0], PALETTE[0], "points")],
              x_label="device-seconds", y_label="log p", x_scale="log")
    """

    name: str
    """The name of its files."""
    title: str
    """What it shows, in a line."""
    lines: Sequence[Line]
    x_label: str = ""
    y_label: str = ""
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    x_ticks: Sequence[tuple[float, str]] = ()
    """Ticks in place of numbers: (place, text); empty for numbers."""
    y_range: tuple[float, float] | None = None
    """The ends of the vertical axis; None: all points."""
    x_range: tuple[float, float] | None = None
    """The ends of the horizontal axis; None: all points."""
    marks: Sequence[tuple[float, str]] = ()
    """Vertical lines: (place, text)."""
    notes: Sequence[tuple[float, float, str, Side]] = ()
    """Words beside a point: (x, y, text, side)."""
    also_x_label: str = ""
    """The label of the axis to which a reader can switch; empty without."""
    height: int = 380
    """Pixels."""
    hide_y: bool = False
    """Whether the vertical axis has neither line nor numbers."""
    small: bool = False
    """Whether it stands in a row with others."""
    least_width: int = 0
    """Pixels below which it scrolls instead of shrinking."""
    caption: str = ""
    """What a reader should know of it, in a sentence."""

    @property
    def empty(self) -> bool:
        """Whether it has no point."""
        return not any(len(line.x) for line in self.lines)


@dataclass
class Colours:
    """A colour for each name, in the order in which they are asked for: ``Colours()["rbm k=1"]``."""

    given: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.given.setdefault(name, PALETTE[len(self.given) % len(PALETTE)])


def thin(x: Sequence[float], y: Sequence[float], most: int) -> list[int]:
    """The positions of at most ``most`` points that draw the same curve on a screen: of each part of the axis the least
    and the greatest, and both ends."""
    count = len(x)
    if count <= max(most, 4):
        return list(range(count))
    parts = max(1, (most - 2) // 2)
    kept = {0, count - 1}
    for part in range(parts):
        places = range(part * count // parts, (part + 1) * count // parts)
        finite = [i for i in places if math.isfinite(y[i])]
        if finite:
            kept |= {min(finite, key=y.__getitem__), max(finite, key=y.__getitem__)}
    return sorted(kept)


def robust_range(values: Iterable[float], *, better: Literal["maximize", "minimize"]) -> tuple[float, float] | None:
    """The ends of an axis on which the good values can be told apart, though a few bad ones lie far off; None where all
    fit. The bad end is cut, never the good one."""
    finite = sorted(value for value in values if math.isfinite(value))
    if len(finite) < 8:
        return None
    sign = 1.0 if better == "minimize" else -1.0
    losses = sorted(sign * value for value in finite)
    low, high = losses[0], losses[-1]
    quarter, most = losses[len(losses) // 4], losses[(9 * len(losses)) // 10]
    typical = max(losses[len(losses) // 2] - low, quarter - low, 1e-12)
    cut = min(high, max(most, low + 3 * typical))
    if high - low <= 3 * (cut - low):
        return None
    margin = 0.06 * (cut - low)
    ends = sign * (low - margin), sign * (cut + margin)
    return min(ends), max(ends)


def axis_scale(values: Iterable[float]) -> Scale:
    """``log`` where all values are positive and span more than a decade and a half."""
    finite = [value for value in values if math.isfinite(value)]
    return "log" if finite and min(finite) > 0 and max(finite) / min(finite) > 30 else "linear"
