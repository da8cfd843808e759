"""Targets are judged by the table's own numbers."""

from __future__ import annotations

import math

import pytest

from gibbsweep.errors import UserError
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.results.targets import Target, Verdict


def row(contender: str, **metrics: float) -> Row:
    return Row(
        contender, "energy", {}, {k: Statistic(v, 0.0, 3) for k, v in metrics.items()}, [1], 1, 1.0, {"completed": 1}
    )


ROWS = [row("lr", error=0.08, auroc=0.5), row("rbm", error=0.03), row("jem", error=0.02, auroc=0.9), row("broken")]


@pytest.mark.parametrize(
    ("target", "verdict", "answer"),
    [
        (
            Target("half", "error", "<", ("rbm", "jem"), ("lr",), factor=0.5),
            Verdict("half", 0.02, "<", 0.04, 0.0),
            "yes",
        ),
        (
            Target("rbm", "error", "<", ("rbm",), ("jem", "lr"), offset=0.005),
            Verdict("rbm", 0.03, "<", 0.025, 0.0),
            "no",
        ),
        (Target("number", "auroc", ">", ("jem",), 0.855), Verdict("number", 0.9, ">", 0.855, 0.0), "yes"),
        (Target("equal", "auroc", ">", ("lr",), 0.5), Verdict("equal", 0.5, ">", 0.5, 0.0), "no"),
        (
            Target("mean", "error", "<", ("jem",), ("lr", "rbm"), than_mean=True),
            Verdict("mean", 0.02, "<", 0.055, 0.0),
            "yes",
        ),
        (
            Target("other", "auroc", ">", ("jem",), ("lr",), than_metric="error"),
            Verdict("other", 0.9, ">", 0.08, 0.0),
            "yes",
        ),
    ],
)
def test_a_target_takes_the_best_of_each_side(target: Target, verdict: Verdict, answer: str) -> None:
    got = target.judge(ROWS)
    assert got == verdict
    assert got.answer == answer


def test_what_did_not_run_is_not_judged_and_what_was_not_measured_says_so() -> None:
    assert Target("gan", "auroc", ">", ("gan",), 0.5).judge(ROWS) is None
    assert Target("gan", "auroc", ">", ("jem",), ("gan",)).judge(ROWS) is None
    verdict = Target("broken", "auroc", ">", ("broken",), 0.5).judge(ROWS)
    assert verdict is not None
    assert math.isnan(verdict.got)
    assert verdict.answer == "not measured"


def test_a_name_in_place_of_a_tuple_is_refused() -> None:
    with pytest.raises(UserError, match="write a tuple"):
        Target("x", "auroc", ">", "jem", 0.5)  # type: ignore[arg-type]


def test_a_target_of_one_data_set_is_judged_there_alone() -> None:
    target = Target("ten classes", "error", "<", ("jem",), 0.03, data="mnist")
    assert target.judge(ROWS, "mnist[4,9]") is None
    verdict = target.judge(ROWS, "mnist")
    assert verdict is not None
    assert verdict.answer == "yes"


def test_a_mean_of_fewer_than_all_is_not_measured() -> None:
    verdict = Target("mean", "error", "<", ("jem",), ("lr", "broken"), than_mean=True).judge(ROWS)
    assert verdict is not None and verdict.answer == "not measured"


def test_a_target_may_name_one_row_of_a_contender() -> None:
    rows = [
        Row("net", "score", {}, {"error": Statistic(v, 0.0, 3)}, [1], 1, 1.0, {"completed": 1}, {"weight": w})
        for w, v in (("edm", 0.1), ("unit", 0.3))
    ]
    verdict = Target("one weight", "error", "<", ("net weight=unit",), ("net weight=edm",)).judge(rows)
    assert verdict == Verdict("one weight", 0.3, "<", 0.1, 0.0)


def seeds(contender: str, mean: float, sd: float, n: int) -> Row:
    statistic = {"error": Statistic(mean, sd, n)}
    return Row(contender, "energy", {}, statistic, list(range(n)), 1, 1.0, {"completed": n})


@pytest.mark.parametrize(
    ("ours", "theirs", "answer", "margin"),
    [
        # Two standard errors of the difference: 2 sqrt(.03² / 9 + .04² / 4) = .0447.
        (seeds("a", 0.9556, 0.03, 9), seeds("b", 1.0, 0.04, 4), "level", "± 0.045"),
        (seeds("a", 0.9550, 0.03, 9), seeds("b", 1.0, 0.04, 4), "yes", "± 0.045"),
        (seeds("a", 1.0446, 0.03, 9), seeds("b", 1.0, 0.04, 4), "level", "± 0.045"),
        (seeds("a", 1.0450, 0.03, 9), seeds("b", 1.0, 0.04, 4), "no", "± 0.045"),
        (seeds("a", 0.9556, 0.0, 1), seeds("b", 1.0, 0.04, 4), "yes (1 seed)", "1 seed"),
        (seeds("a", 1.0, 0.03, 9), seeds("b", 0.9, 0.0, 1), "no (1 seed)", "1 seed"),
        (seeds("a", 1.0, 0.0, 3), seeds("b", 1.1, 0.0, 3), "yes", "± 0"),
    ],
)
def test_what_two_standard_errors_cannot_tell_apart_is_level(ours: Row, theirs: Row, answer: str, margin: str) -> None:
    verdict = Target("b", "error", "<", ("a",), ("b",)).judge([ours, theirs])
    assert verdict is not None and (verdict.answer, verdict.margin) == (answer, margin)
    assert str(verdict).endswith(f"({margin})")


def test_the_error_of_a_bound_is_scaled_with_it_and_a_published_number_has_none() -> None:
    rows = [seeds("a", 0.5, 0.03, 9), seeds("b", 1.0, 0.04, 4), seeds("c", 2.0, 0.1, 25)]
    half = Target("half", "error", "<", ("a",), ("b",), factor=0.5).judge(rows)
    assert half is not None and half.error == pytest.approx(math.hypot(0.01, 0.5 * 0.02))
    mean = Target("mean", "error", "<", ("a",), ("b", "c"), than_mean=True).judge(rows)
    assert mean is not None and mean.error == pytest.approx(math.hypot(0.01, math.hypot(0.02, 0.02) / 2))
    published = Target("published", "error", "<", ("a",), 0.519).judge(rows)
    assert published is not None and published.error == pytest.approx(0.01) and published.answer == "level"
    single = Target("published", "error", "<", ("a",), 0.519).judge([seeds("a", 0.5, 0.0, 1)])
    assert single is not None and single.answer == "yes (1 seed)"
