"""Metrics as horizontal bars, a row of the table each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import colours, with_seconds
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RowBars:
    """A panel with a bar for each row and each of ``metrics``, with deviations over seeds.

    RowBars({"test/frechet_distance": "noise", "test/frechet_distance_buffer": "buffer"}, "Fréchet distance")
    """

    metrics: Mapping[str, str] = field(default_factory=dict)
    """Metrics, each with its name in the legend; the table's first column unless they are given. A single one has the
    rows' colours, several have their own."""
    x_label: str = ""
    """What the metrics are; the heading of the table's first column unless it is given."""
    by_option: bool = False
    """Rows are named after their compared option alone: in a study of one contender."""

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def size(self, results: Results) -> tuple[float, float]:
        bars = max(1, len(self._metrics(results)))
        return 4.6, 0.9 + max(1, len(results.rows)) * (0.18 + 0.13 * bars)

    def draw(self, axes: Axes, results: Results) -> None:
        metrics = self._metrics(results)
        rows = [row for row in results.rows if any(metric in row.metrics for metric in metrics)]
        by_label = colours(row.label for row in results.rows)
        height = 0.8 / max(1, len(metrics))
        for i, (metric, name) in enumerate(metrics.items()):
            bars = [(place, row) for place, row in enumerate(rows) if metric in row.metrics]
            if bars:
                axes.barh(
                    [place + height * self._offset(row, metrics, metric) for place, row in bars],
                    [row.metrics[metric].mean for _, row in bars],
                    height * 0.95,
                    xerr=[row.metrics[metric].sd for _, row in bars],
                    error_kw={"linewidth": 0.8, "capsize": 2},
                    color=[by_label[row.label] for _, row in bars] if len(metrics) == 1 else f"C{i}",
                    label=name if len(metrics) > 1 else None,
                )
        axes.set_yticks(range(len(rows)), [self._named(row) for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel(self.x_label or next((f"test {heading}" for heading in results.columns.values()), ""))

    def _metrics(self, results: Results) -> Mapping[str, str]:
        return self.metrics or dict(list(results.columns.items())[:1])

    def _named(self, row: Row) -> str:
        return str(next(iter(row.compared.values()))) if self.by_option and row.compared else with_seconds(row)

    def _offset(self, row: Row, metrics: Mapping[str, str], metric: str) -> float:
        """Where the bar of ``metric`` stands beside the row's tick, in bars: those that are measured surround it."""
        measured = [name for name in metrics if name in row.metrics]
        return measured.index(metric) - (len(measured) - 1) / 2
