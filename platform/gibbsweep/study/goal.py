"""Goals: the validation metrics that a search optimises, one or several at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Goal:
    """The validation metric that search optimises, and its direction. For example::

        Goal("validation/log_likelihood", "maximize")
        Goal("stability", "maximize")

    ``stability`` is a metric of every run. Under this goal a trial that diverged has a result like any other: the share
    of its updates that it survived.
    """

    metric: str
    """The metric's name with its split, or ``stability``."""
    direction: Literal["maximize", "minimize"]
    """Whether high or low values are good."""

    def better(self, a: float, b: float) -> bool:
        """Whether ``a`` beats ``b``. NaN beats nothing, and every other number beats NaN."""
        if math.isnan(a):
            return False
        return math.isnan(b) or (a > b if self.direction == "maximize" else a < b)

    def loss(self, value: float) -> float:
        """``value`` with the sign under which lower is better."""
        return -value if self.direction == "maximize" else value

    @property
    def short(self) -> str:
        """The metric's name without its split."""
        return self.metric.rsplit("/", 1)[-1]


Goals = Goal | tuple[Goal, ...]
"""One goal, or the goals of a search for a Pareto front."""


def as_goals(goal: Goals) -> tuple[Goal, ...]:
    """``goal`` as a tuple; of length one where it is a single goal."""
    return (goal,) if isinstance(goal, Goal) else tuple(goal)


def goal_names(goals: Sequence[Goal]) -> list[str]:
    """A name for each goal: its short name, or its metric where two short names are equal."""
    short = [goal.short for goal in goals]
    return short if len(set(short)) == len(short) else [goal.metric for goal in goals]


def check_goals(contender: str, goals: tuple[Goal, ...], front_size: int) -> None:
    """Raise UserError where there is no goal, two have the same metric, or ``front_size`` is smaller than their
    number."""
    metrics = [goal.metric for goal in goals]
    if not goals or len(set(metrics)) < len(metrics):
        raise UserError(
            f"contender {contender!r} needs a goal, or several of different metrics: "
            f"got {', '.join(metrics) or 'none'}."
        )
    if len(goals) > 1 and front_size < len(goals):
        raise UserError(
            f"contender {contender!r} has {len(goals)} goals, and front_size={front_size} would not retrain the best "
            f"in each: use front_size={len(goals)} or more."
        )
