"""A contender at one budget, with every default of its study filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gibbsweep.evaluate import Evaluator
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.contender import Contender, Kind
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Space, walk
from gibbsweep.train import Budget
from gibbsweep_models.types import SystemConfig


@dataclass(frozen=True)
class ContenderAtBudget:
    """What a contender is at one budget: :meth:`gibbsweep.study.study.Study.at` makes it.

    rbm = STUDY.at("laptop")["rbm"]
    rbm.budget.updates, rbm.goals, rbm.options()
    """

    name: str
    contender: Contender
    """The contender as its study has it."""
    config: SystemConfig
    """Its configuration at this budget, before any searched value."""
    budget: Budget
    goals: tuple[Goal, ...]
    """What its search optimises: one goal, or several."""
    constraints: tuple[Constraint, ...] = ()
    evaluators: tuple[Evaluator, ...] = ()
    """What measures the validation split at every report."""
    final_evaluators: tuple[Evaluator, ...] = ()
    """What measures the test split, once, after a retraining."""

    @property
    def announced(self) -> tuple[str, ...]:
        """The metrics that a sweep hears with every report: the goals, and what there are constraints on."""
        metrics = [*(goal.metric for goal in self.goals), *(constraint.metric for constraint in self.constraints)]
        return tuple(dict.fromkeys(metrics))

    @property
    def kind(self) -> Kind:
        return self.contender.kind

    @property
    def space(self) -> Space:
        return self.contender.space

    def options(self) -> tuple[Any, ...]:
        """The options that are compared; see :meth:`gibbsweep.study.contender.Contender.options`."""
        return self.contender.options()

    def compared(self, option: Any) -> dict[str, Any]:
        """One of ``options`` by path."""
        return self.contender.compared(option)

    def trials(self, asked: int) -> int:
        """How many of ``asked`` search trials it can use: none where nothing but the compared option varies."""
        varied = {path for path, _ in walk(self.space)} - set(self.contender.compared_paths)
        return asked if varied else 0
