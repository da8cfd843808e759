"""The figures of a sweep for a paper, as SVG and PDF, drawn by matplotlib in the style of the results."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gibbsweep.errors import UserError
from gibbsweep.folder import as_file_name
from gibbsweep.report.chart import Chart, Line
from gibbsweep.report.evidence import Evidence
from gibbsweep.report.limits import Limits
from gibbsweep.report.sections import sections_of
from gibbsweep.results.figures.style import SMALL, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf")
_MARKERS = {"circle": "o", "square": "s", "triangle": "^", "cross": "x"}
_MOST_IN_LEGEND = 14


def write_figures(evidence: Sequence[Evidence], folder: Path) -> list[Path]:
    """Write each figure of the page of ``evidence`` to ``folder`` as ``SWEEP_NAME.svg`` and ``.pdf``; returns the
    files."""
    from matplotlib import rc_context

    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Text stays text in an SVG and a TrueType font in a PDF, so that a journal can edit it.
        with rc_context({"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "gibbsweep"}):
            for one in evidence:
                for chart in (
                    chart for section in sections_of(one, Limits(media_bytes=0)) for chart in section.charts()
                ):
                    drawn = draw(chart)
                    for suffix in FORMATS:
                        path = folder / f"{as_file_name(one.name)}_{as_file_name(chart.name)}.{suffix}"
                        drawn.savefig(path, metadata={"Date" if suffix == "svg" else "CreationDate": None})
                        written.append(path)
    except OSError as error:
        raise UserError(
            f"--figures {folder} cannot be written ({error.strerror or error}): name a folder that you may write to."
        ) from error
    return written


def draw(chart: Chart) -> Figure:
    """The chart as a figure of matplotlib."""
    from matplotlib.figure import Figure

    width = 3.6 if chart.small else max(6.0, chart.least_width / 130)
    figure = Figure(figsize=(width, max(2.4, chart.height / 100)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale(chart.x_scale)
    axes.set_yscale(chart.y_scale)
    for line in chart.lines:
        _draw_line(axes, line, chart)
    if any(line.mode == "bars" for line in chart.lines):
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for at, text in chart.marks:
        axes.axvline(at, color="0.6", linewidth=0.8, linestyle="--", zorder=0)
        axes.annotate(text, (at, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=SMALL)
    for x, y, text, place in chart.notes:
        aside, h, v = {"above": ((0, 4), "center", "bottom"), "below": ((0, -4), "center", "top"),
                       "right": ((5, 0), "left", "center")}[place]  # fmt: skip
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        axes.annotate(text, (x, y), aside, textcoords="offset points", ha=h, va=v, fontsize=SMALL, bbox=behind)
    if chart.x_range is not None:
        axes.set_xlim(*chart.x_range)
    if chart.y_range is not None:
        axes.set_ylim(*chart.y_range)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    finish(axes)
    if chart.hide_y:
        axes.yaxis.set_visible(False)
        axes.grid(False)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
    if chart.x_ticks:
        axes.set_xticks([at for at, _ in chart.x_ticks], [text for _, text in chart.x_ticks], fontsize=SMALL)
    axes.set_title("\n".join(textwrap.wrap(chart.title, int(width * 12))), fontsize=10, pad=18 if chart.marks else 6)
    handles, labels = axes.get_legend_handles_labels()
    if labels and not chart.small:
        shown = list(zip(handles, labels, strict=True))[:_MOST_IN_LEGEND]
        figure.legend(
            [handle for handle, _ in shown], [label for _, label in shown], loc="outside lower center",
            ncols=max(1, min(len(shown), int(width * 11 / (4 + max(len(label) for _, label in shown))))),
            frameon=False, fontsize=SMALL,
        )  # fmt: skip
        figure.set_figheight(figure.get_figheight() + 0.2)
    return figure


def _draw_line(axes: Axes, line: Line, chart: Chart) -> None:
    label = line.label if line.legend and line.label else None
    if line.mode == "bars":
        done = chart.lines.index(line)
        left = [_before(chart.lines[:done], str(name)) for name in line.y]
        axes.barh([str(name) for name in line.y], line.x, left=left, color=line.colour, label=label, height=0.6)
        return
    y = [float(value) for value in line.y]
    if line.y_error:
        axes.errorbar(
            line.x, y, yerr=line.y_error, fmt="none", ecolor=line.colour, elinewidth=1.0, capsize=2, alpha=line.opacity
        )
    if line.mode == "points":
        axes.plot(
            line.x, y, linestyle="", marker=_MARKERS[line.marker], markersize=max(2.0, line.size * 0.7),
            color=line.colour, alpha=line.opacity, label=label, markeredgewidth=1.2 if line.marker == "cross" else 0,
        )  # fmt: skip
    else:
        axes.plot(
            line.x, y, color=line.colour, alpha=line.opacity, linewidth=line.width, label=label,
            linestyle=":" if line.dashed else "-", drawstyle="steps-post" if line.mode == "steps" else "default",
        )  # fmt: skip


def _before(lines: Sequence[Line], name: str) -> float:
    """Where the bar of ``name`` begins, on top of those of ``lines``."""
    return sum(length for line in lines for length, other in zip(line.x, line.y, strict=True) if str(other) == name)
