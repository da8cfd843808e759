"""Budgets of contenders that are equal in updates, or in device-seconds."""

from __future__ import annotations

from collections.abc import Mapping

from gibbsweep.errors import UserError
from gibbsweep.study.budget_values import ByBudget, at_budget, by_budget
from gibbsweep.train import Budget

NAMES = ("smoke", "laptop", "long", "gpu", "paper")
"""The budgets that a study has, unless its updates name others."""

BATCH_SIZE: int = by_budget(smoke=16, gpu=128, paper=128, other=32)
"""Small networks leave a GPU idle, so its batches are larger."""
REPORTS: int = by_budget(gpu=4, paper=20, other=1)


def equal_updates(updates: int, *, batch_size: int = 100, reports: int = 1) -> dict[str, Budget]:
    """Budgets by name, the same number of updates for each contender that has them.

    Each argument is a number or a :func:`~gibbsweep.study.budget_values.by_budget`. The budgets are those that
    ``updates`` names, or :data:`NAMES` where it has a value for all others. ``reports``: how many times a run is
    evaluated, evenly over its updates, the last time at their end.

        equal_updates(by_budget(smoke=4, laptop=600, gpu=10_000), batch_size=by_budget(gpu=256, other=100))
    """
    named: object = updates
    names = tuple(named.values) if isinstance(named, ByBudget) and not named.for_all else NAMES
    return {name: _budget(name, at_budget(updates, name), batch_size, reports) for name in names}


def equal_seconds(
    seconds_per_update: float,
    seconds: Mapping[str, float],
    *,
    gpu: int | None = None,
    paper: int | None = None,
    smoke: int = 4,
    batch_size: int = BATCH_SIZE,
    reports: int = REPORTS,
) -> dict[str, Budget]:
    """Budgets by name: ``smoke`` updates, then as many as each of ``seconds`` holds at ``seconds_per_update``, which is
    measured on one core; then ``gpu`` and ``paper`` updates, as a core's costs say nothing of a GPU's.

    ``batch_size`` and ``reports`` are as for :func:`equal_updates`. By default a run up to ``long`` is evaluated once.

        equal_seconds(0.055, {"laptop": 12, "long": 200}, gpu=30_000, paper=400_000)
    """
    if seconds_per_update <= 0:
        raise UserError(f"an update takes a positive time: got {seconds_per_update} seconds; measure it.")
    held = {name: max(1, round(span / seconds_per_update)) for name, span in seconds.items()}
    updates = {"smoke": smoke, **held, "gpu": gpu or held.get("gpu"), "paper": paper or held.get("paper")}
    return {name: _budget(name, n, batch_size, reports) for name, n in updates.items() if n is not None}


def _budget(name: str, updates: int, batch_size: int, reports: int) -> Budget:
    every = max(1, updates // at_budget(reports, name))
    return Budget(updates=updates, batch_size=at_budget(batch_size, name), report_every=every)
