"""What a search optimises: one goal, or several at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Goal:
    """The validation metric that search optimises, and which way.

    ``Goal("stability", "maximize")`` optimises :data:`STABILITY` instead: a trial that diverged is then told to the search as
    the share of its updates that it survived, as a result like any other.
    """

    metric: str
    direction: Literal["maximize", "minimize"]

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` beats ``b``; a number that is not finite beats nothing."""
        if math.isnan(a):
            return False
        return math.isnan(b) or (a > b if self.direction == "maximize" else a < b)

    def loss(self, value: float) -> float:
        """``value`` turned so that lower is better."""
        return -value if self.direction == "maximize" else value

    @property
    def short(self) -> str:
        """The metric's own name, without the split it is of."""
        return self.metric.rsplit("/", 1)[-1]


Goals = Goal | tuple[Goal, ...]
"""One goal, or the several of a search for a Pareto front."""


def as_goals(goal: Goals) -> tuple[Goal, ...]:
    return (goal,) if isinstance(goal, Goal) else tuple(goal)


def goal_names(goals: Sequence[Goal]) -> list[str]:
    """Short, and different from each other."""
    short = [goal.short for goal in goals]
    return short if len(set(short)) == len(short) else [goal.metric for goal in goals]


def check_goals(contender: str, goals: tuple[Goal, ...], front: int) -> None:
    """Raise UserError for goals that contradict or repeat each other, or of which some would have no row."""
    metrics = [goal.metric for goal in goals]
    if not goals or len(set(metrics)) < len(metrics):
        raise UserError(
            f"contender {contender!r} needs a goal, or several of different metrics: got {', '.join(metrics) or 'none'}."
        )
    if len(goals) > 1 and front < len(goals):
        raise UserError(
            f"contender {contender!r} has {len(goals)} goals, and front={front} would not retrain the best in each: "
            f"use front={len(goals)} or more."
        )
