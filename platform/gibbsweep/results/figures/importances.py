"""Which part of the choice made the goal's variance over the trials of a search: stacked bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import SMALL, colours
from gibbsweep.results.findings import importance_parts, importance_shares
from gibbsweep.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Importances:
    """A panel with a bar for each searched path, the largest first: its share of the goal's variance over all completed
    trials, stacked by the compared option in whose trials the path was searched. The share of the option itself is
    grey.

        Panels(Importances(), RowBars({"test/auroc": ""}, "test AUROC", by_option=True))
    """

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def size(self, results: Results) -> tuple[float, float]:
        return 5.2, 3.6

    def draw(self, axes: Axes, results: Results) -> None:
        by_label = colours(row.label for row in results.rows)
        by_option = {str(value): by_label[row.label] for row in results.rows for value in row.compared.values()}
        totals = importance_shares(results)
        paths = list(totals)
        ends = dict.fromkeys(paths, 0.0)
        for option, path, share in importance_parts(results):
            axes.barh(paths.index(path), share, left=ends[path], color=by_option.get(option, "0.3"))
            ends[path] += share
        for place, total in enumerate(totals.values()):
            axes.text(total + 0.01, place, f"{total:.0%}", va="center", fontsize=SMALL)
        names = [path.rpartition(".")[2] for path in paths]
        names = [name if names.count(name) == 1 else path for name, path in zip(names, paths, strict=True)]
        axes.set_yticks(range(len(paths)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, max([*totals.values(), 0.5]) * 1.15)
        axes.set_xlabel("share of the goal's variance over all trials")
        axes.set_title("" if paths else "Too few trials to tell what matters", fontsize=10)
