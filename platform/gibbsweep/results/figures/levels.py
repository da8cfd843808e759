"""A metric that is measured at several levels (of noise, of guidance): a curve a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import (
    LINES,
    MARKERS,
    Scale,
    SymLog,
    colours,
    curve,
    doublings,
    set_scale,
    set_ticks,
)
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.series import at_levels, plain
from gibbsweep.results.statistic import Statistic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


LineStyle = str | tuple[int, tuple[int, int]]


def _at_itself(row: Row, level: float) -> float:
    return level


def _equal(a: dict[float, Statistic], b: dict[float, Statistic]) -> bool:
    """Whether two curves could not be told apart by eye."""
    return bool(a) and a.keys() == b.keys() and all(math.isclose(a[x].mean, b[x].mean, rel_tol=0.01) for x in a)


@dataclass(frozen=True)
class ByLevel:
    """A panel with a metric against the level that it was measured at: a curve for each row, with deviations over
    seeds.

    A row that has the metric at no level, and has it without one, is a horizontal line.

        ByLevel("test/psnr", (15 / 255, 25 / 255, 0.5), "noise level", "PSNR, dB", named=sigma_name)
    """

    metric: str
    """Its name without the level."""
    levels: Sequence[float]
    """The levels; those that a row has not are left out of its curve."""
    x_label: str
    y_label: str
    title: str = ""
    suffix: str = "_{}"
    """What a level adds to the metric's name, with ``{}`` in the place of what ``named`` gives."""
    named: Callable[[float], str] = plain
    """What stands for a level in the metric's name: 0.1 for .1 unless another function is given."""
    place: Callable[[Row, float], float] = _at_itself
    """Where a row's level stands on the axis: at the level itself unless another function is given."""
    x_scale: Scale = "log"
    y_scale: Scale = "linear"
    ring: str = ""
    """A metric: the level at which a row has the least of it gets a ring."""
    beside: tuple[str, str] | None = None
    """A metric by level that is the same for every row, and its name: a grey curve."""
    bound: tuple[float, str] | None = None
    """A number to compare with and its name: a grey horizontal line."""
    nothing_below: float = 0.0
    """A row whose numbers are all smaller, errors of the arithmetic alone, is named in the legend and not drawn."""

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def with_metrics(self, others: Mapping[str, str]) -> Panels:
        """A figure of this panel and, beside it, the same of each of ``others``, metrics with their names."""
        return Panels(self, *(replace(self, metric=metric, y_label=name) for metric, name in others.items()))

    def size(self, results: Results) -> tuple[float, float]:
        return (4.0, 3.4) if self.title else (4.6, 3.6)

    def draw(self, axes: Axes, results: Results) -> None:
        set_scale(axes, "x", self.x_scale)
        set_scale(axes, "y", self.y_scale)
        by_label = colours(row.label for row in results.rows)
        drawn: list[dict[float, Statistic]] = []
        for row in results.rows:
            points = self._at(row, self.metric)
            # An equal curve beneath shows through the gaps.
            line = (0, (3, 3)) if any(_equal(points, others) for others in drawn) else LINES[row.kind]
            self._draw_row(axes, row, points, by_label[row.label], line)
            drawn.append(points)
        if self.beside is not None:
            metric, name = self.beside
            points = next(filter(None, (self._at(row, metric) for row in results.rows)), {})
            if points:
                axes.plot(list(points), [s.mean for s in points.values()], color="grey", ls=":", label=name)
        if self.bound is not None and axes.has_data():
            axes.axhline(self.bound[0], color="grey", ls=":", label=self.bound[1])
        if isinstance(self.x_scale, SymLog):
            set_ticks(axes.xaxis, doublings(axes.get_xlim(), self.x_scale))
        elif self.x_scale == "log":
            set_ticks(axes.xaxis, self.levels)
        axes.set_xlabel(self.x_label)
        axes.set_ylabel(self.y_label)
        axes.set_title(self.title, fontsize=10)

    def _draw_row(self, axes: Axes, row: Row, points: dict[float, Statistic], colour: str, line: LineStyle) -> None:
        if not points:
            if self.metric in row.metrics:
                axes.axhline(row.metrics[self.metric].mean, color=colour, ls=line, label=row.label)
            return
        if max(s.mean for s in points.values()) < self.nothing_below:
            axes.plot([], [], color=colour, ls="none", label=f"{row.label}: below {self.nothing_below:g}")
            return
        x = [self.place(row, level) for level in points]
        curve(axes, x, list(points.values()), color=colour, marker=MARKERS[row.kind], ls=line, label=row.label)
        ringed = self._at(row, self.ring) if self.ring else {}
        least = min(ringed, key=lambda level: ringed[level].mean, default=None)
        if least is not None and least in points:
            at = self.place(row, least), points[least].mean
            axes.plot(*at, marker="o", markersize=12, markerfacecolor="none", color=colour)

    def _at(self, row: Row, metric: str) -> dict[float, Statistic]:
        return at_levels(row, metric, self.levels, self.suffix, self.named)
