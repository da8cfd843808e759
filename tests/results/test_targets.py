"""Targets are judged by the table's own numbers."""

from __future__ import annotations

import math

import pytest

from gibbsweep.errors import UserError
from gibbsweep.results.row import Row, Statistic
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
            Verdict("half", 0.02, "<", 0.04),
            "yes",
        ),
        (Target("rbm", "error", "<", ("rbm",), ("jem", "lr"), offset=0.005), Verdict("rbm", 0.03, "<", 0.025), "no"),
        (Target("number", "auroc", ">", ("jem",), 0.855), Verdict("number", 0.9, ">", 0.855), "yes"),
        (Target("equal", "auroc", ">", ("lr",), 0.5), Verdict("equal", 0.5, ">", 0.5), "no"),
        (
            Target("mean", "error", "<", ("jem",), ("lr", "rbm"), than_mean=True),
            Verdict("mean", 0.02, "<", 0.055),
            "yes",
        ),
        (
            Target("other", "auroc", ">", ("jem",), ("lr",), than_metric="error"),
            Verdict("other", 0.9, ">", 0.08),
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
    assert verdict == Verdict("one weight", 0.3, "<", 0.1)
