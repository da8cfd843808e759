"""Metrics against a number that is compared, such as the k of CD-k: a curve for each of the other things compared."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import MARKERS, SMALL, Scale, curve, set_scale, set_ticks
from gibbsweep.results.results import Results
from gibbsweep.results.series import Series, series_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLES = ("-", ":", "--", "-.")


@dataclass(frozen=True)
class AgainstCompared:
    """A panel with metrics against one of the numbers that a contender compares, with deviations over seeds.

    Rows that share their contender and the other numbers compared make a curve. Where runs diverged, the share of them
    stands at the foot of the panel, in the curve's colour.

        AgainstCompared({"test/log_likelihood": ""}, "steps of the chain, k", "log-likelihood, nats")
    """

    metrics: Mapping[str, str]
    """Metrics, each with what tells its curves from those of the others in the legend."""
    x_label: str
    y_label: str
    x: int = 0
    """Which of the compared values stands on the horizontal axis, by its place in the contender's ``compare``."""
    names: Mapping[str, str] | None = None
    """What the other compared paths are called in the legend, their last word unless they are named."""
    y_scale: Scale = "linear"
    bracket: tuple[str, str] | None = None
    """Two metrics between which the first of ``metrics`` lies: a bar behind each point."""

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def size(self, results: Results) -> tuple[float, float]:
        return 5.0, 3.6

    def draw(self, axes: Axes, results: Results) -> None:
        all_series = series_of(results.rows, self.x, self.names)
        numbers = sorted({series.number(row) for series in all_series for row in series.rows})
        set_scale(axes, "x", "log" if numbers and numbers[0] > 0 else "linear")
        set_scale(axes, "y", self.y_scale)
        several = len({series.contender for series in all_series}) > 1
        for place, series in enumerate(all_series):
            name = series.label if several else series.shared or series.contender
            for (metric, what), style in zip(self.metrics.items(), _STYLES, strict=False):
                self._draw(axes, series, metric, style, f"C{place}", ", ".join(filter(None, (name, what))))
            _mark_diverged(axes, series, place)
        if numbers:
            axes.set_xlim(numbers[0] / 1.6, numbers[-1] * 1.6)
            set_ticks(axes.xaxis, numbers)
        if any(row.diverged_share for series in all_series for row in series.rows):
            axes.margins(y=0.2)  # room for the marks below all points
        if len(all_series) > 1:
            axes.set_title(_seconds(all_series), fontsize=SMALL)
        axes.set_xlabel(self.x_label)
        axes.set_ylabel(self.y_label)

    def _draw(self, axes: Axes, series: Series, metric: str, style: str, colour: str, label: str) -> None:
        rows = [row for row in series.rows if metric in row.metrics]
        x = [series.number(row) for row in rows]
        marker = MARKERS[series.rows[0].kind] if style == "-" else "x"
        curve(axes, x, [row.metrics[metric] for row in rows], color=colour, ls=style, marker=marker, label=label)
        if self.bracket is not None and metric == next(iter(self.metrics)):
            for at, row in zip(x, rows, strict=True):
                ends = [row.metrics[end].mean for end in self.bracket if end in row.metrics]
                if len(ends) == 2:
                    axes.vlines(at, ends[0], ends[1], color=colour, alpha=0.4, linewidth=6)


def _mark_diverged(axes: Axes, series: Series, place: int) -> None:
    """The share of runs that diverged at each number, at the foot of the panel: a line a series."""
    for row in series.rows:
        if row.diverged_share:
            axes.annotate(
                f"✕ {row.diverged_share:.0%}",
                (series.number(row), 0.03 + 0.06 * place),
                xycoords=("data", "axes fraction"),
                color=f"C{place}",
                ha="center",
                fontsize=SMALL,
            )


def _seconds(all_series: Sequence[Series]) -> str:
    """``k = 1: 2 s, k = 10: 5 s a run``, without those that took none."""
    means = {
        series.shared or series.contender: [row.device_seconds for row in series.rows if row.device_seconds]
        for series in all_series
    }
    words = ", ".join(f"{name}: {statistics.fmean(each):.0f} s" for name, each in means.items() if each)
    return f"{words} a run" if words else ""
