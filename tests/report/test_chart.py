"""Thinned curves, cut axes, and both drawings of a chart."""

from __future__ import annotations

import json
import math
import random

import pytest

from gibbsweep.report.browser import figure
from gibbsweep.report.chart import Chart, Line, axis_scale, robust_range, thin
from gibbsweep.report.paper import draw


def test_a_thinned_curve_keeps_its_ends_and_its_extremes() -> None:
    chance = random.Random(0)
    y = [chance.gauss(0, 1) for _ in range(5_000)]
    y[1_234], y[4_000] = 50.0, -60.0
    kept = thin(range(5_000), y, 100)
    assert len(kept) <= 100
    assert kept == sorted(kept)
    assert {0, 1_234, 4_000, 4_999} <= set(kept)


def test_a_short_curve_stays_as_it_is() -> None:
    assert thin([1, 2, 3], [math.nan, 1.0, 2.0], 50) == [0, 1, 2]


def test_a_cut_axis_never_cuts_the_good_end() -> None:
    values = [-100.0 - i for i in range(50)] + [-1e9]
    low, high = robust_range(values, better="maximize") or (0.0, 0.0)
    assert high > -100.0 and -1e9 < low < -140.0
    low, high = robust_range([-value for value in values], better="minimize") or (0.0, 0.0)
    assert low < 100.0 and 140.0 < high < 1e9
    assert robust_range([float(i) for i in range(50)], better="maximize") is None


def test_an_axis_is_logarithmic_where_values_span_decades() -> None:
    assert axis_scale([1e-4, 1.0]) == "log"
    assert axis_scale([0.0, 100.0]) == "linear"
    assert axis_scale([1.0, 2.0]) == "linear"
    assert axis_scale([]) == "linear"


CHART = Chart(
    "x", "A <b>title</b>",
    [
        Line("<i>a</i>", [1.0, 2.0, math.nan, 3.0], [1.0, math.inf, math.nan, 2.0], "#1f77b4", texts=[("run", 4)]),
        Line("points", [1.0], [2.0], "#ff7f0e", "points", y_error=[0.5], marker="square"),
    ],
    x_label="<x>", y_label="y", x_scale="log", marks=[(2.0, "rung 1")], notes=[(1.0, 1.0, "low", "below")],
)  # fmt: skip


def test_the_browsers_figure_is_json_without_markup() -> None:
    made = json.loads(json.dumps(figure(CHART), allow_nan=False))
    assert made["data"][0]["y"] == [1.0, None, None, 2.0]
    assert made["layout"]["xaxis"]["title"]["text"] == "&lt;x&gt;"
    assert made["layout"]["annotations"][0]["x"] == pytest.approx(math.log10(2.0))


def test_the_papers_figure_has_the_same_points() -> None:
    drawn = draw(CHART)
    (axes,) = drawn.axes
    assert axes.get_xscale() == "log"
    assert list(axes.lines[0].get_xdata())[:2] == [1.0, 2.0]  # type: ignore[arg-type]
    assert {text.get_text() for text in drawn.legends[0].get_texts()} == {"<i>a</i>", "points"}


def test_bars_stack_in_the_papers_figure() -> None:
    bars = [Line("a", [0.2, 0.1], ["x", "y"], "#000000", "bars"), Line("b", [0.3], ["x"], "#111111", "bars")]
    (axes,) = draw(Chart("bars", "Bars", bars)).axes
    assert [round(patch.get_x(), 3) for patch in axes.patches] == [0.0, 0.0, 0.2]  # type: ignore[attr-defined]
