"""Metrics as groups of bars: a group a metric, a bar a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gibbsweep.results.figures.panels import Panels
from gibbsweep.results.figures.style import colours
from gibbsweep.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAR = 0.13
"""Inches of a bar."""


@dataclass(frozen=True)
class GroupedBars:
    """A panel with a group of bars for each metric and a bar for each row, with deviations over seeds. Bars of energies
    and scores are hatched, those of baselines plain.

        GroupedBars(r"test/auroc_(.*)", "outlier set", "test AUROC", apart={"test/auroc": "mean"}, bound=0.5)
    """

    groups: Mapping[str, str] | str
    """The metrics, each with its name; or a regular expression that they match, whose one group is the name."""
    x_label: str
    y_label: str
    apart: Mapping[str, str] = field(default_factory=dict)
    """Metrics, each with its name, that stand apart from the others, behind them."""
    ticks: Mapping[str, str] = field(default_factory=dict)
    """For metrics of ``groups``, another one that is shown as a black tick in the same bar."""
    bound: float | None = None
    """A number to compare with: a dotted line."""
    limits: tuple[float | None, float | None] = (None, None)
    """The ends of the vertical axis; None where the numbers decide."""

    def __call__(self, results: Results) -> Figure:
        """A figure of this panel alone."""
        return Panels(self)(results)

    def size(self, results: Results) -> tuple[float, float]:
        bars = len(self._places(results)) * (len(results.rows) + 2)
        return max(5.0, min(12.0, 1.2 + _BAR * bars)), 3.8

    def draw(self, axes: Axes, results: Results) -> None:
        places = self._places(results)
        by_label = colours(row.label for row in results.rows)
        width = 0.8 / max(1, len(results.rows))
        for i, row in enumerate(results.rows):
            bars = [
                (at + (i + 0.5) * width - 0.4, metric) for metric, (at, _) in places.items() if metric in row.metrics
            ]
            axes.bar(
                [at for at, _ in bars],
                [row.metrics[metric].mean for _, metric in bars],
                width,
                yerr=[row.metrics[metric].sd for _, metric in bars],
                error_kw={"linewidth": 0.8},
                color=by_label[row.label],
                hatch=None if row.kind == "baseline" else "//",
                edgecolor="white",
                linewidth=0,
                label=row.label,
            )
            ticks = [(at, row.metrics[self.ticks[m]].mean) for at, m in bars if self.ticks.get(m) in row.metrics]
            axes.scatter([at for at, _ in ticks], [y for _, y in ticks], marker="_", color="black", s=50, zorder=3)
        if self.bound is not None:
            axes.axhline(self.bound, color="black", linewidth=0.8, linestyle=":")
        axes.set_xticks([at for at, _ in places.values()], [name for _, name in places.values()])
        kinds = [kind for kind in ("energy", "score") if any(row.kind == kind for row in results.rows)]
        hatched = " and ".join({"energy": "energies", "score": "scores"}[kind] for kind in kinds)
        axes.set_xlabel(f"{self.x_label} (hatched: {hatched})" if hatched else self.x_label)
        axes.set_ylabel(self.y_label)
        axes.set_ylim(*self.limits)

    def _places(self, results: Results) -> dict[str, tuple[float, str]]:
        """For each metric that a row has, where its group stands and what it is called."""
        measured = sorted({metric for row in results.rows for metric in row.metrics})
        if isinstance(self.groups, str):
            matches = {metric: re.fullmatch(self.groups, metric) for metric in measured}
            groups = {metric: match.group(1) for metric, match in matches.items() if match is not None}
        else:
            groups = {metric: name for metric, name in self.groups.items() if metric in measured}
        apart = {metric: name for metric, name in self.apart.items() if metric in measured}
        places = {metric: (float(i), name) for i, (metric, name) in enumerate(groups.items())}
        return places | {m: (len(groups) + 0.5 + i, name) for i, (m, name) in enumerate(apart.items())}
