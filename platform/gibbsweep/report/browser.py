"""A chart as plotly.js draws it: traces and a layout, as JSON. Colours of text and grid are the page's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gibbsweep.report.chart import Chart, Line

_SYMBOLS = {"circle": "circle", "square": "square", "triangle": "triangle-up", "cross": "x-thin-open"}


def figure(chart: Chart) -> dict[str, Any]:
    """``{"data": traces, "layout": layout, "runs": ..., "also": ...}`` for the page's script.

    ``runs`` has for each trace the texts of its points with their counts, which the script spells out; ``also`` the
    other horizontal places of each trace, where there are some.
    """
    made: dict[str, Any] = {
        "data": [_trace(line) for line in chart.lines],
        "layout": _layout(chart),
        "runs": [[[text, count] for text, count in line.texts] for line in chart.lines],
    }
    if chart.also_x_label:
        made["also"] = {
            "x": [_numbers(line.also_x or line.x) for line in chart.lines],
            "labels": [chart.x_label, chart.also_x_label],
        }
    return made


def _trace(line: Line) -> dict[str, Any]:
    names = [str(value) for value in line.y] if line.mode == "bars" else []
    if line.mode == "bars":
        extra = "%{fullData.name}" if line.label else ""
        return {
            "type": "bar", "orientation": "h", "name": line.label, "x": _numbers(line.x), "y": names,
            "marker": {"color": line.colour}, "showlegend": line.legend and bool(line.label),
            "hovertemplate": f"%{{y}}: %{{x:.0%}}<extra>{extra}</extra>",
        }  # fmt: skip
    trace: dict[str, Any] = {
        "type": "scatter",
        "name": line.label,
        "x": _numbers(line.x),
        "y": _numbers([float(value) for value in line.y]),
        "mode": "markers" if line.mode == "points" else "lines",
        "opacity": line.opacity,
        "showlegend": line.legend and bool(line.label),
        "connectgaps": False,
        "hovertemplate": f"{'%{text}<br>' if line.texts else ''}%{{x:.4~g}}, %{{y:.5~g}}<extra></extra>",
    }
    if line.mode == "points":
        trace["marker"] = {"color": line.colour, "size": line.size, "symbol": _SYMBOLS[line.marker]}
        if line.marker == "cross":
            trace["marker"]["line"] = {"color": line.colour, "width": 1.5}
    else:
        trace["line"] = {
            "color": line.colour,
            "width": line.width,
            "dash": "dot" if line.dashed else "solid",
            "shape": "hv" if line.mode == "steps" else "linear",
        }
    if line.y_error:
        trace["error_y"] = {"array": _numbers(line.y_error), "thickness": 1.2, "width": 3, "color": line.colour}
    return trace


def _layout(chart: Chart) -> dict[str, Any]:
    bars = any(line.mode == "bars" for line in chart.lines)
    x_axis: dict[str, Any] = {"title": {"text": _plain(chart.x_label), "standoff": 8}, "type": chart.x_scale}
    y_axis: dict[str, Any] = {"title": {"text": _plain(chart.y_label), "standoff": 8}, "type": chart.y_scale}
    for axis in (x_axis, y_axis):
        axis["automargin"] = True
        if axis["type"] == "log":
            axis |= {"tickformat": "~g", "minorloglabels": "complete", "dtick": _log_ticks(chart, axis is x_axis)}
    if chart.x_ticks:
        x_axis |= {"tickvals": [at for at, _ in chart.x_ticks], "ticktext": [_plain(text) for _, text in chart.x_ticks]}
        x_axis |= {"zeroline": False, "tickangle": 0}
    if bars:
        y_axis |= {"autorange": "reversed", "type": "category"}
        x_axis |= {"tickformat": ".0%", "rangemode": "tozero"}
    if chart.hide_y:
        y_axis["visible"] = False
    if chart.x_range is not None:
        x_axis["range"] = list(chart.x_range)
    if chart.y_range is not None:
        y_axis["range"] = list(chart.y_range)
    return {
        "height": chart.height,
        "xaxis": x_axis,
        "yaxis": y_axis,
        "barmode": "stack",
        "bargap": 0.35,
        "shapes": [_mark(at) for at, _ in chart.marks],
        "annotations": [
            *(_mark_text(at, text, chart.x_scale) for at, text in chart.marks if text),
            *(_note(x, y, text, side) for x, y, text, side in chart.notes),
        ],
        "showlegend": any(line.legend and line.label for line in chart.lines) and not chart.small,
    }


def _mark(at: float) -> dict[str, Any]:
    return {
        "type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
        "line": {"color": "#8a8a8a", "width": 1, "dash": "dash"},
    }  # fmt: skip


def _mark_text(at: float, text: str, scale: str) -> dict[str, Any]:
    return {
        "x": math.log10(at) if scale == "log" else at, "yref": "paper", "y": 1, "yanchor": "bottom",
        "text": _plain(text), "showarrow": False, "font": {"size": 11},
    }  # fmt: skip


def _note(x: float, y: float, text: str, side: str) -> dict[str, Any]:
    shift = {"above": {"yanchor": "bottom", "yshift": 4}, "below": {"yanchor": "top", "yshift": -4},
             "right": {"xanchor": "left", "xshift": 6}}[side]  # fmt: skip
    return {"x": x, "y": y, "text": _plain(text), "showarrow": False, "font": {"size": 11}, "borderpad": 1, **shift}


def _log_ticks(chart: Chart, horizontal: bool) -> str | int:
    """Ticks at 1, 2 and 5 of each decade where there are two decades or fewer, else at the powers of ten."""
    numbers = [float(at) for line in chart.lines for at in (line.x if horizontal else line.y)]
    positive = [at for at in numbers if at > 0 and math.isfinite(at)]
    return "D2" if positive and max(positive) / min(positive) <= 100 else 1


def _plain(text: str) -> str:
    """``text`` for plotly's labels, which read some markup: a name is never markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _numbers(values: Sequence[float]) -> list[float | None]:
    """Five digits of each, which is more than a screen shows; None for what is not finite, where a line is parted."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]
