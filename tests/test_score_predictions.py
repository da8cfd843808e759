"""The study of predictions: paths that have the same ends, and the sentence that it reads off its table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.scripts import ROOT, module_of

from gibbsweep.results.row import Statistic

SCRIPT = module_of(ROOT / "sweeps" / "score_predictions.py")


@pytest.mark.parametrize("name", SCRIPT.PATHS)
def test_every_path_has_the_same_ends(name: str) -> None:
    assert SCRIPT.PATHS[name].sigma_range == pytest.approx((SCRIPT.LOW, SCRIPT.HIGH), rel=1e-4)
    assert SCRIPT.STUDY.contenders[name].options() == SCRIPT.PREDICTIONS


def row(label: str, distance: float) -> SimpleNamespace:
    return SimpleNamespace(label=label, metrics={SCRIPT.DISTANCE: Statistic.of([distance, distance])})


def test_the_finding_says_which_axis_matters() -> None:
    values = {"x0": 100.0, "eps": 300.0, "velocity": 250.0, "edm": 90.0}
    shift = {"ve": 0.0, "vp": 5.0, "linear": 10.0}
    rows = [
        row(f"{path} predicts={what}", value + shift[path]) for path in SCRIPT.PATHS for what, value in values.items()
    ]
    (sentence,) = SCRIPT.spread(SimpleNamespace(rows=rows))
    assert "by up to 210 on one path; the path moves it by 10 to 10 at one prediction" in sentence
    assert sentence.endswith("Best: ve predicts=edm.")
    assert SCRIPT.spread(SimpleNamespace(rows=rows[1:])) == []
