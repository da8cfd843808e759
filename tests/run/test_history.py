"""The peak of a run's goal over its reports, and what was lost of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gibbsweep.run.history import peaks_and_drops
from gibbsweep.study import Goal
from gibbsweep.train import SpoolReporter

UP, DOWN = Goal("validation/x", "maximize"), Goal("validation/x", "minimize")


def spool(folder: Path, values: list[float | None]) -> Path:
    reporter = SpoolReporter(folder)
    for step, value in enumerate(values):
        reporter(step, {"train/loss": 1.0} if value is None else {"validation/x": value})
    reporter.close()
    return folder / "metrics.jsonl"


@pytest.mark.parametrize(
    ("values", "goal", "peak", "drop"),
    [
        ([1.0, 5.0, 3.0], UP, 5.0, 2.0),
        ([1.0, 5.0, 3.0], DOWN, 1.0, 2.0),
        ([1.0, 2.0], UP, 2.0, 0.0),
        ([4.0, math.inf, math.nan, 1.0, None], UP, 4.0, 3.0),
    ],
)
def test_peak_and_drop(values: list[float | None], goal: Goal, peak: float, drop: float, tmp_path: Path) -> None:
    found = peaks_and_drops(spool(tmp_path, values), [goal])
    assert found == {"peak/validation/x": peak, "drop/validation/x": drop}


def test_a_run_that_ended_without_a_finite_goal_says_so(tmp_path: Path) -> None:
    assert peaks_and_drops(spool(tmp_path / "a", [None]), [UP]) == {}
    assert peaks_and_drops(tmp_path / "absent.jsonl", [UP]) == {}
    assert math.isnan(peaks_and_drops(spool(tmp_path / "b", [1.0, math.nan]), [UP])["drop/validation/x"])
