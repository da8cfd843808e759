"""Budgets that are equal in updates, or in device-seconds."""

from __future__ import annotations

import pytest

from gibbsweep.errors import UserError
from gibbsweep.study import by_budget, equal_seconds, equal_updates
from gibbsweep.train import Budget


def test_an_update_of_twice_the_cost_is_made_half_as_often() -> None:
    cheap = equal_seconds(0.05, {"laptop": 12, "long": 150}, gpu=100, paper=1000)
    dear = equal_seconds(0.1, {"laptop": 12, "long": 150}, gpu=100, paper=1000)
    assert (cheap["laptop"].updates, dear["laptop"].updates, dear["long"].updates) == (240, 120, 1500)
    assert list(cheap) == ["smoke", "laptop", "long", "gpu", "paper"]
    assert cheap["laptop"].report_every == 240 and cheap["gpu"].report_every == 25
    assert cheap["smoke"] == Budget(4, 16, 4) and cheap["paper"] == Budget(1000, 128, 50)
    with pytest.raises(UserError, match="positive"):
        equal_seconds(0.0, {}, gpu=1, paper=1)


def test_a_gpu_may_get_seconds_too_and_no_budget_comes_from_nowhere() -> None:
    budgets = equal_seconds(0.5, {"laptop": 10, "gpu": 100}, smoke=2, batch_size=8, reports=by_budget(gpu=10, other=1))
    assert budgets == {"smoke": Budget(2, 8, 2), "laptop": Budget(20, 8, 20), "gpu": Budget(200, 8, 20)}


def test_updates_batches_and_reports_depend_on_the_budget() -> None:
    budgets = equal_updates(
        by_budget(smoke=4, laptop=600), batch_size=by_budget(smoke=32, other=100), reports=by_budget(smoke=2, other=3)
    )
    assert budgets == {"smoke": Budget(4, 32, 2), "laptop": Budget(600, 100, 200)}
    assert list(equal_updates(1)) == ["smoke", "laptop", "long", "gpu", "paper"]
    assert equal_updates(by_budget(smoke=6, other=1))["long"] == Budget(1, 100, 1)
    assert equal_updates(3, reports=10)["gpu"].report_every == 1
