"""Colours, markers and axes that all figures share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MARKERS = {"energy": "s", "score": "o", "baseline": "^"}
LINES = {"energy": "-", "score": "-", "baseline": "--"}
SMALL = 8
"""Points of the letters of legends and notes."""


@dataclass(frozen=True)
class SymLog:
    """A logarithmic axis on both sides of 0, linear from ``-linear`` to ``linear``: for numbers that may be 0 or
    negative.

    ByLevel("test/recall", (0.0, 1.0, 8.0), "scale", "recall", x_scale=SymLog(0.5))
    """

    linear: float


Scale = Literal["linear", "log"] | SymLog


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each different name, in their order; beyond ten, matplotlib's paired ones, the dark ones first."""
    different = list(dict.fromkeys(names))
    if len(different) <= 10:
        return {name: f"C{i}" for i, name in enumerate(different)}
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    pairs = colormaps["tab20"]
    order = [*range(0, 20, 2), *range(1, 20, 2)]
    return {name: to_hex(pairs(order[i % 20])) for i, name in enumerate(different)}


def with_seconds(row: Row) -> str:
    """The row's label with the device-seconds of one training, where it took any to speak of."""
    return f"{row.label} ({row.device_seconds:.0f} s)" if row.device_seconds >= 0.5 else row.label


def curve(
    axes: Axes, x: Sequence[float], y: Sequence[Statistic], *, x_errors: Sequence[float] | None = None, **style: Any
) -> None:
    """Points with their deviations over seeds, joined by a line.

    On a logarithmic axis, whose scale is already set, a point that is not positive is left out, and a whisker ends at a
    tenth of its point, as it cannot reach below 0.
    """
    log = axes.get_yscale() == "log"
    shown = [i for i, s in enumerate(y) if math.isfinite(s.mean) and (s.mean > 0 or not log)]
    if not shown:
        return
    x, y = [x[i] for i in shown], [y[i] for i in shown]
    style = {"capsize": 2, "markersize": 4, "elinewidth": 1.0, **style}
    drawn = axes.errorbar(
        x,
        [s.mean for s in y],
        yerr=[[_down(s.mean, s.sd, log) for s in y], [s.sd for s in y]],
        xerr=None
        if x_errors is None
        else [
            [_down(at, x_errors[i], axes.get_xscale() == "log") for at, i in zip(x, shown, strict=True)],
            [x_errors[i] for i in shown],
        ],
        **style,
    )
    for whisker in (*drawn.lines[1], *drawn.lines[2]):
        whisker.set_alpha(0.5)  # lighter than the curves, which they would hide where several cross


def _down(mean: float, sd: float, log: bool) -> float:
    return min(sd, 0.9 * mean) if log else sd


def set_scale(axes: Axes, which: Literal["x", "y"], scale: Scale) -> None:
    """Give the axis its scale; to be called before anything is drawn."""
    words: dict[str, Any] = {"linthresh": scale.linear} if isinstance(scale, SymLog) else {}
    getattr(axes, f"set_{which}scale")("symlog" if isinstance(scale, SymLog) else scale, **words)


def finish(axes: Axes) -> None:
    """Plain numbers on logarithmic axes, a grid behind what is drawn; to be called after everything is drawn."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            _plain_logarithms(axis)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)


def set_ticks(axis: Axis, values: Sequence[float], labels: Sequence[str] | None = None) -> None:
    """Ticks at ``values`` alone, as plain numbers or as ``labels``."""
    from matplotlib.ticker import NullLocator

    axis.set_ticks(list(values), labels=list(labels) if labels is not None else [f"{value:g}" for value in values])
    axis.set_minor_locator(NullLocator())


def doublings(limits: tuple[float, float], scale: SymLog) -> list[float]:
    """0 and, on either side of it as far as ``limits`` reach, ``scale.linear``, its double, the double of that and so
    on."""
    above = [scale.linear * 2**i for i in range(64) if scale.linear * 2**i <= limits[1]]
    below = [-scale.linear * 2**i for i in range(64) if -scale.linear * 2**i >= limits[0]]
    return [*reversed(below), 0.0, *above]


def _plain_logarithms(axis: Axis) -> None:
    """1, 2 and 5 of each decade where the axis has two decades or fewer, else the powers of ten alone."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    if isinstance(axis.get_major_locator(), FixedLocator):
        return
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades <= 2 else (1.0,), numticks=12))
    if decades < 0.5:
        axis.set_major_locator(LogLocator(subs=tuple(range(1, 10)), numticks=12))
    if 1e-4 <= low and high <= 1e5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
