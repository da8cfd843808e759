"""What a study found for two objectives at once: the rows that no other row beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gibbsweep.results.dominance import dominates
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def front(rows: Sequence[Row], first: str, second: str) -> list[Row]:
    """Those of ``rows`` with both metrics, both to be small, that no other is at least as good as in both and better in one, by rising
    ``first``."""
    measured = [row for row in rows if first in row.metrics and second in row.metrics]

    def at(row: Row) -> tuple[float, float]:
        return row.metrics[first].mean, row.metrics[second].mean

    return sorted((row for row in measured if not any(dominates(at(other), at(row)) for other in measured)), key=at)


def draw_front(results: Results, first: str, second: str, labels: tuple[str, str]) -> Figure:
    """Every row with both metrics, as a point with its deviations over seeds; the front as a line of steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 4.4), layout="constrained")
    axes = figure.subplots()
    for row in results.rows:
        if first not in row.metrics or second not in row.metrics:
            continue
        x, y = row.metrics[first], row.metrics[second]
        marker = {"energy": "s", "score": "o", "baseline": "^"}[row.kind]
        axes.errorbar(x.mean, y.mean, xerr=x.sd, yerr=y.sd, marker=marker, ls="", ms=6, capsize=2, label=row.label)
    best = front(results.rows, first, second)
    if best:
        axes.step(
            [row.metrics[first].mean for row in best],
            [row.metrics[second].mean for row in best],
            where="post",
            color="grey",
            lw=1,
            zorder=0,
            label="Pareto front",
        )
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.set_title(f"{results.data}, {results.budget}: low and left is better", fontsize=10)
    axes.grid(alpha=0.3)
    return figure
