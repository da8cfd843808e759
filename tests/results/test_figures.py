"""Each panel draws what it names, with deviations, and nothing covers anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from tests.scripts import ROOT, module_of
from tests.test_sweeps import SCRIPTS

from gibbsweep.results.figures import (
    AgainstCompared,
    AgainstMetric,
    ByLevel,
    GroupedBars,
    Importances,
    Panels,
    PanelsByContender,
    RowBars,
    SymLog,
)
from gibbsweep.results.figures.style import colours, doublings
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic


def row(
    name: str, kind: str = "score", compared: dict[str, Any] | None = None, sd: float = 0.1, **metrics: float
) -> Row:
    statistics = {key.replace("__", "/"): Statistic(value, sd, 3) for key, value in metrics.items()}
    return Row(name, kind, {}, statistics, [1], 1, 20.0, {"completed": 3}, compared or {})


def table(*rows: Row, **changes: Any) -> Results:
    return replace(Results("s", "Does it draw?", "digits", "laptop", "cpu", "c", {"x": "X"}, list(rows)), **changes)


def curves(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    """The points of each curve by its label."""
    containers = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    return {str(c.get_label()): [(float(x), float(y)) for x, y in c.lines[0].get_xydata()] for c in containers}


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for each in figure.legends for text in each.get_texts()]


def test_a_metric_by_level_is_a_curve_a_row() -> None:
    rows = [
        row("told", psnr_1=20.0, psnr_2=10.0),
        row("one level", "baseline", psnr_2=11.0),
        row("no level", "baseline", psnr=15.0),
        row("nothing", psnr_1=1e-12, psnr_2=1e-13),
    ]
    panel = ByLevel(
        "psnr", (1, 2, 4), "level", "PSNR", y_scale="log", bound=(12.0, "goal"), ring="psnr", nothing_below=1e-9
    )
    figure = panel(table(*rows))
    (axes,) = figure.axes
    assert curves(axes) == {"told": [(1, 20), (2, 10)], "one level": [(2, 11)]}
    assert sorted(legend(figure)) == ["goal", "no level", "nothing: below 1e-09", "one level", "told"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    rings = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert rings == [(2, 10), (2, 11)]


def test_equal_curves_are_both_seen() -> None:
    rows = [row("implicit", e_1=1.0, e_2=2.0), row("sliced", e_1=1.001, e_2=2.001), row("other", e_1=1.5, e_2=2.0)]
    (axes,) = ByLevel("e", (1, 2), "level", "error")(table(*rows)).axes
    styles = {str(c.get_label()): c.lines[0].is_dashed() for c in axes.containers}
    assert styles == {"implicit": False, "sliced": True, "other": False}


def test_levels_may_have_names_of_their_own_and_places_of_their_own() -> None:
    rows = [row("free", at_a=1.0, at_b=2.0), row("guided", at_a=3.0)]
    panel = ByLevel(
        "at",
        (0.0, 8.0),
        "scale",
        "distance",
        named=lambda level: "b" if level else "a",
        place=lambda r, level: level + (r.contender == "free"),
        x_scale=SymLog(0.5),
    )
    (first, second) = panel.with_metrics({"other": "other"})(table(*rows)).axes
    assert curves(first) == {"free": [(1, 1), (9, 2)], "guided": [(0, 3)]}
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["0", "0.5", "1", "2", "4", "8"]
    assert second.texts[0].get_text() == "other:\nnot measured"
    assert doublings((-1.0, 3.0), SymLog(0.5)) == [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0]


def test_a_metric_against_another_has_both_deviations_and_may_be_joined() -> None:
    rows = [row("a", x=3, y=1), row("a", x=1, y=2), row("b", "baseline", x=2, y=3), row("c", x=1)]
    (axes,) = AgainstMetric("x", "y", "x", "y", x_scale="log", join="contender")(table(*rows)).axes
    assert curves(axes) == {"a": [(1, 2), (3, 1)], "b": [(2, 3)]}
    assert all(c.has_xerr and c.has_yerr for c in axes.containers if isinstance(c, ErrorbarContainer))
    figure = AgainstMetric("x", "y", "bits", "distance", join="front")(table(*rows))
    (axes,) = figure.axes
    assert sorted(curves(axes)) == ["a (20 s)", "b (20 s)"]
    (front,) = [line for line in axes.lines if str(line.get_label()).startswith("Pareto front")]
    assert [tuple(point) for point in front.get_xydata()] == [(1, 2), (3, 1)]


def test_metrics_against_a_compared_number_make_a_curve_for_each_of_the_others() -> None:
    rows = [
        row("rbm", "energy", {"k": k, "rate": rate}, log_p=-k * rate, peak=-k * rate + 1, low=-9.0, high=1.0)
        for k in (1, 10)
        for rate in (0.3, 0.1)
    ]
    rows[-1] = replace(rows[-1], diverged_share=1 / 3)
    panel = AgainstCompared({"log_p": "", "peak": "at its peak"}, "rate", "log p", x=1, bracket=("low", "high"))
    figure = panel(table(*rows))
    (axes,) = figure.axes
    assert curves(axes)["k = 10"] == [(0.1, -1.0), (0.3, -3.0)]
    assert set(curves(axes)) == {"k = 1", "k = 1, at its peak", "k = 10", "k = 10, at its peak"}
    assert [text.get_text() for text in axes.texts] == ["✕ 33%"]
    assert axes.get_title() == "k = 1: 20 s, k = 10: 20 s a run"
    assert len([c for c in axes.collections if c.get_linewidth()[0] == 6]) == 4  # type: ignore[index]
    by_contender = PanelsByContender(panel, AgainstCompared({"drift": ""}, "rate", "drift", x=1))
    other = row("conv", "energy", {"cd.n_steps": 1, "rate": 0.1}, drift=2.0)
    grid = by_contender(table(*rows, other)).axes
    assert [axes.get_title().split("\n")[0] for axes in grid[:2]] == ["rbm", "conv"]
    assert [bool(axes.texts and "not measured" in axes.texts[0].get_text()) for axes in grid] == [
        False, True, True, False,
    ]  # fmt: skip


def widths(axes: Axes) -> list[list[float]]:
    return [[float(bar.get_width()) for bar in c.patches] for c in axes.containers if isinstance(c, BarContainer)]


def test_bars_by_row_stand_beside_the_row_s_name() -> None:
    rows = [row("a", noise=3.0, buffer=1.0), row("b", "baseline", noise=2.0), row("c", other=1.0)]
    figure = RowBars({"noise": "from noise", "buffer": "from the buffer"}, "distance")(table(*rows))
    (axes,) = figure.axes
    assert widths(axes) == [[3.0, 2.0], [1.0]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a (20 s)", "b (20 s)"]
    assert legend(figure) == ["from noise", "from the buffer"]
    of_b = axes.containers[0].patches[1] if isinstance(axes.containers[0], BarContainer) else axes.patches[1]
    assert of_b.get_y() + of_b.get_height() / 2 == pytest.approx(1.0)  # type: ignore[attr-defined]


def test_bars_of_the_first_column_need_no_words() -> None:
    rows = [row("e", "energy", {"form.name": "mlp"}, x=0.5), row("e", "energy", {"form.name": "conv"}, x=0.7)]
    (axes,) = RowBars(by_option=True)(table(*rows)).axes
    assert axes.get_xlabel() == "test X"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["mlp", "conv"]


def test_groups_of_bars_are_found_by_a_pattern_or_named() -> None:
    rows = [
        row("ours", "energy", auroc_faces=0.9, auroc_noise=0.8, auroc=0.85, best_faces=0.95),
        row("theirs", "baseline", auroc_noise=0.6, auroc=0.6),
    ]
    panel = GroupedBars(r"auroc_(.*)", "set", "AUROC", apart={"auroc": "mean"}, ticks={"auroc_faces": "best_faces"})
    (axes,) = panel(table(*rows)).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["faces", "noise", "mean"]
    assert axes.get_xlabel() == "set (hatched: energies)"
    heights = [[float(bar.get_height()) for bar in c.patches] for c in axes.containers if isinstance(c, BarContainer)]
    assert heights == [[0.9, 0.8, 0.85], [0.6, 0.6]]
    assert [bar.get_hatch() for bar in (axes.patches[0], axes.patches[-1])] == ["//", None]
    assert 0.95 in [y for collection in axes.collections for _, y in collection.get_offsets()]  # type: ignore[misc]
    named = GroupedBars({"auroc_noise": "noise", "absent": "absent"}, "set", "AUROC", limits=(0, 1))
    assert [tick.get_text() for tick in named(table(*rows)).axes[0].get_xticklabels()] == ["noise"]


def test_importances_are_stacked_by_option_in_the_colours_of_its_bars() -> None:
    rows = [row("e", "energy", {"form.name": name}, x=0.5) for name in ("mlp", "conv")]
    shares = {"e": {"form.name": 0.5, "form.name=mlp cd.l2": 0.125, "form.name=conv cd.l2": 0.125, "form.depth": 0.1}}
    results = table(*rows, importances=shares)
    left, right = Panels(Importances(), RowBars(by_option=True))(results).axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["name", "l2", "depth"]
    assert [text.get_text() for text in left.texts] == ["50%", "25%", "10%"]
    colour_of_mlp = right.patches[0].get_facecolor()
    assert [p.get_width() for p in left.patches if p.get_facecolor() == colour_of_mlp] == [0.125]  # type: ignore[attr-defined]


def test_numbers_that_have_no_logarithm_are_left_out_of_a_logarithmic_axis() -> None:
    rows = [row("a", sd=5.0, e_1=1.0, e_2=-1.0, e_3=math.nan, e_4=2.0)]
    (axes,) = ByLevel("e", (1, 2, 3, 4), "level", "error", y_scale="log")(table(*rows)).axes
    assert curves(axes)["a"] == [(1, 1), (4, 2)]
    assert axes.get_ylim()[0] > 0
    (linear,) = ByLevel("e", (1, 2, 3, 4), "level", "error")(table(*rows)).axes
    assert curves(linear)["a"] == [(1, 1), (2, -1), (4, 2)]


def test_many_names_have_different_colours() -> None:
    names = [f"row {i}" for i in range(17)]
    assert len(set(colours([*names, *names]).values())) == 17
    assert colours(["a", "b"]) == {"a": "C0", "b": "C1"}


def test_an_empty_table_is_drawn_too() -> None:
    for panel in (
        ByLevel("e", (1, 2), "level", "error"),
        AgainstMetric("x", "y", "x", "y", join="front"),
        AgainstCompared({"x": ""}, "k", "x"),
        GroupedBars("x_(.*)", "set", "x"),
        RowBars({"x": ""}, "x"),
        Importances(),
    ):
        assert "not measured" in panel(table()).axes[0].texts[0].get_text()
        assert "not measured" in PanelsByContender(panel)(table()).axes[0].texts[0].get_text()


def committed() -> Iterator[Any]:
    """Every figure of a study whose results are committed."""
    files = {
        "denoising": ("denoising", "denoising_cifar10_4k"),
        "score_matching_1d": ("score_matching_1d", "score_matching_1d_mixture"),
    }
    for script in SCRIPTS:
        for stem in files.get(script.stem, (script.stem,)):
            path = ROOT / "analysis" / "results" / f"{stem}.json"
            if path.exists():
                for name, draw in module_of(script).STUDY.figures.items():
                    yield pytest.param(path, draw, id=f"{stem}-{name}")


@pytest.mark.parametrize(("path", "draw"), list(committed()))
def test_nothing_covers_anything_else(path: Path, draw: Callable[[Results], Figure]) -> None:
    """Of each committed table: legends stand outside the panels, and no two labels of ticks overlap."""
    figure = draw(Results.from_json(path.read_text()))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]

    def box(artist: Any) -> Bbox:
        return artist.get_window_extent(renderer)  # type: ignore[no-any-return]

    panels = [axes.get_tightbbox(renderer) for axes in figure.axes]
    outside = [box(each) for each in figure.legends] + ([box(figure._suptitle)] if figure._suptitle else [])  # type: ignore[attr-defined]
    for a, b in [*combinations(outside, 2), *((a, b) for a in outside for b in panels), *combinations(panels, 2)]:
        assert b is not None
        assert not a.padded(-1).overlaps(b.padded(-1))
    for axes in figure.axes:
        if not axes.axison:
            continue
        for axis in (axes.xaxis, axes.yaxis):
            labels = [
                tick.label1 for tick in axis.get_major_ticks() if tick.label1.get_text() and tick.label1.get_visible()
            ]
            low, high = sorted(axis.get_view_interval())
            places = [(label, label.get_position()[axis is axes.yaxis]) for label in labels]
            shown = [box(label) for label, place in places if low <= place <= high]
            for a, b in combinations(shown, 2):
                assert not a.overlaps(b)
