"""Budgets of equal seconds, and the front of two objectives."""

from __future__ import annotations

import pytest

from gibbsweep.errors import UserError
from gibbsweep.results.pareto import front
from gibbsweep.results.row import Row, Statistic
from gibbsweep.study.budgets import equal_seconds


def test_an_update_of_twice_the_cost_is_made_half_as_often() -> None:
    cheap = equal_seconds(0.05, {"laptop": 12, "long": 150}, gpu=100, paper=1000)
    dear = equal_seconds(0.1, {"laptop": 12, "long": 150}, gpu=100, paper=1000)
    assert (cheap["laptop"].updates, dear["laptop"].updates, dear["long"].updates) == (240, 120, 1500)
    assert set(cheap) == {"smoke", "laptop", "long", "gpu", "paper"}
    assert cheap["laptop"].report_every == 240 and cheap["gpu"].report_every == 25
    with pytest.raises(UserError, match="positive"):
        equal_seconds(0.0, {}, gpu=1, paper=1)


def row(name: str, **metrics: float) -> Row:
    return Row(name, "score", {}, {k: Statistic(v, 0.1, 5) for k, v in metrics.items()}, [1], 1, 1.0, {"completed": 5})


def test_the_front_is_what_no_row_beats_in_both() -> None:
    rows = [row("a", x=1, y=3), row("b", x=2, y=1), row("c", x=2, y=2), row("d", x=3, y=1), row("e", x=0)]
    assert [r.contender for r in front(rows, "x", "y")] == ["a", "b"]
    twins = [row("one", x=1, y=1), row("two", x=1, y=1)]
    assert len(front(twins, "x", "y")) == 2
