"""A search without a sweep, over any contender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.storages import BaseStorage

from gibbsweep.study import Constraint, Contender, Goal
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.train import Budget
from gibbsweep.tune.search.search import Search


def search_for(
    storage: BaseStorage,
    contender: Contender,
    *goals: Goal,
    updates: int,
    constraints: Sequence[Constraint] = (),
    **options: Any,
) -> Search:
    """The search of ``contender`` for ``goals``; ``options``: those of a Search."""
    at = ContenderAtBudget(
        "s", contender, contender.config, Budget(updates, 1, updates), goals, constraints=tuple(constraints)
    )
    return Search(storage, at, **options)
