"""A figure: panels side by side, or a column of them for each contender, with one legend outside all of them."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from gibbsweep.results.figures.style import SMALL, finish
from gibbsweep.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CHARACTER = 0.075
"""Width of a character of a legend, in inches."""
_WIDE = 9.0
"""A figure of so many inches has its legend below it, a narrower one at its right."""


class Panel(Protocol):
    """A frozen dataclass that says which numbers of a table are drawn, and how. Called with a table, it is a figure."""

    def __call__(self, results: Results) -> Figure: ...

    def size(self, results: Results) -> tuple[float, float]:
        """Width and height in inches that the panel wants for ``results``."""
        ...

    def draw(self, axes: Axes, results: Results) -> None:
        """Draw into ``axes``, with labels of the axes and of what belongs into the legend; nothing where nothing was
        measured."""
        ...


class Panels:
    """Panels side by side, with one legend: a figure of a study.

    Study(..., figures={"importance": Panels(Importances(), RowBars({"test/auroc": ""}, "test AUROC"))})
    """

    def __init__(self, *panels: Panel, share_y: bool = False) -> None:
        self.panels = panels
        self.share_y = share_y

    def __call__(self, results: Results) -> Figure:
        sizes = [panel.size(results) for panel in self.panels]
        widths = [width for width, _ in sizes]
        figure = _figure(sum(widths), max(height for _, height in sizes))
        grid = figure.subplots(1, len(self.panels), width_ratios=widths, sharey=self.share_y, squeeze=False)
        for axes, panel in zip(grid[0], self.panels, strict=True):
            _draw(panel, axes, results)
        if self.share_y:
            for axes in grid[0][1:]:
                axes.set_ylabel("")
        _set_legend(figure, sum(widths))
        _set_title(figure, results)
        return figure


class PanelsByContender:
    """A column of panels for each contender of the table, its name above it, with one legend.

    Study(..., figures={"rates": PanelsByContender(AgainstCompared({"test/auroc": ""}, "learning rate", "AUROC"))})
    """

    def __init__(self, *panels: Panel) -> None:
        self.panels = panels

    def __call__(self, results: Results) -> Figure:
        names = list(dict.fromkeys(row.contender for row in results.rows)) or [""]
        parts = [replace(results, rows=[row for row in results.rows if row.contender == name]) for name in names]
        width, height = 3.5, 2.9
        figure = _figure(width * len(names), height * len(self.panels))
        grid = figure.subplots(len(self.panels), len(names), squeeze=False)
        for line, panel in zip(grid, self.panels, strict=True):
            for axes, part in zip(line, parts, strict=True):
                _draw(panel, axes, part)
            for axes in line[1:]:
                axes.set_ylabel("")
        for line in grid[:-1]:
            for axes in line:
                axes.set_xlabel("")
        for line in grid[1:]:
            for axes in line:
                axes.set_title("")
        for axes, name in zip(grid[0], names, strict=True):
            axes.set_title("\n".join(text for text in (name, axes.get_title()) if text), fontsize=9)
        _set_legend(figure, width * len(names))
        _set_title(figure, results)
        return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height + 0.4), layout="constrained")


def _draw(panel: Panel, axes: Axes, results: Results) -> None:
    panel.draw(axes, results)
    if axes.has_data():
        finish(axes)
    else:
        title, label = axes.get_title(), axes.get_ylabel() or axes.get_xlabel()
        axes.clear()
        axes.set_axis_off()
        axes.set_title(title, fontsize=10)
        note = "\n".join([*textwrap.wrap(f"{label}:", 32), "not measured"])
        axes.text(0.5, 0.5, note, transform=axes.transAxes, ha="center", va="center", color="grey", fontsize=SMALL)


def _set_legend(figure: Figure, width: float) -> None:
    """One entry a label, wherever it was drawn: below wide figures, else at their right."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    room = _CHARACTER * max(map(len, entries)) + 0.6
    words: dict[str, Any] = {"frameon": False, "fontsize": SMALL}
    if width >= _WIDE:
        columns = max(1, min(len(entries), int(width / room)))
        figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(entries) // columns))
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=columns, **words)
    else:
        figure.set_figwidth(width + room)
        figure.legend(entries.values(), entries.keys(), loc="outside right center", **words)


def _set_title(figure: Figure, results: Results) -> None:
    text = f"{results.question} ({results.data}, {results.budget})"
    lines = textwrap.wrap(text, int(figure.get_figwidth() / 0.085))
    figure.suptitle("\n".join(lines), fontsize=10)
