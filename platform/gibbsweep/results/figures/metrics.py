"""One metric against another: a point a row with both deviations, joined by contender or by the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import LINES, MARKERS, Scale, colours, curve, set_scale, with_seconds
from gibbsweep.results.pareto import front
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class AgainstMetric:
    """A panel with metric ``y`` against metric ``x`` of every row that has both, with their deviations over seeds.

    AgainstMetric("test/sampling_seconds", "test/frechet_distance", "seconds a sample", "Fréchet distance")
    """

    x: str
    y: str
    x_label: str
    y_label: str
    title: str = ""
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    join: Literal["", "contender", "front"] = ""
    """``contender``: a curve joins the rows of each, by rising ``x``. ``front``: steps join the rows that no other row
    is at least as good as in both metrics, of which less is better. Otherwise points stand alone."""

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def size(self, results: Results) -> tuple[float, float]:
        return 4.8, 3.8

    def draw(self, axes: Axes, results: Results) -> None:
        set_scale(axes, "x", self.x_scale)
        set_scale(axes, "y", self.y_scale)
        rows = [row for row in results.rows if self.x in row.metrics and self.y in row.metrics]
        if self.join == "contender":
            by_name = colours(row.contender for row in results.rows)
            for name in dict.fromkeys(row.contender for row in rows):
                curve_rows = [row for row in rows if row.contender == name]
                curve_rows.sort(key=lambda row: row.metrics[self.x].mean)
                self._draw(axes, curve_rows, by_name[name], name, LINES[curve_rows[0].kind])
        else:
            by_label = colours(row.label for row in results.rows)
            for row in rows:
                self._draw(axes, [row], by_label[row.label], with_seconds(row), "")
        best = front(rows, self.x, self.y) if self.join == "front" else []
        if best:
            x, y = ([row.metrics[metric].mean for row in best] for metric in (self.x, self.y))
            axes.step(x, y, where="post", color="grey", lw=1, zorder=0, label="Pareto front (low and left is better)")
        axes.set_xlabel(self.x_label)
        axes.set_ylabel(self.y_label)
        axes.set_title(self.title, fontsize=10)

    def _draw(self, axes: Axes, rows: Sequence[Row], colour: str, label: str, line: str) -> None:
        x, y = [row.metrics[self.x] for row in rows], [row.metrics[self.y] for row in rows]
        marker, size = MARKERS[rows[0].kind], 4 if line else 6
        curve(
            axes,
            [s.mean for s in x],
            y,
            x_errors=[s.sd for s in x],
            color=colour,
            label=label,
            ls=line,
            marker=marker,
            markersize=size,
        )
