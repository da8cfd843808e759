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
    """A contender at one budget. :meth:`gibbsweep.study.study.Study.at` makes it.

    For example::

        rbm = STUDY.at("laptop")["rbm"]
        rbm.budget.updates, rbm.goals, rbm.options()
    """

    name: str
    """The contender's name in its study."""
    contender: Contender
    """The contender as its study has it."""
    config: SystemConfig
    """Its configuration at this budget, before any searched value."""
    budget: Budget
    """How long it trains."""
    goals: tuple[Goal, ...]
    """The goals of its search, one or several."""
    constraints: tuple[Constraint, ...] = ()
    """The bounds on validation metrics that its trials must keep."""
    evaluators: tuple[Evaluator, ...] = ()
    """Measure the validation split at every report."""
    final_evaluators: tuple[Evaluator, ...] = ()
    """Measure the test split, once, after a retraining."""

    @property
    def announced(self) -> tuple[str, ...]:
        """The metrics that a sweep hears with every report: those of the goals and of the constraints."""
        metrics = [*(goal.metric for goal in self.goals), *(constraint.metric for constraint in self.constraints)]
        return tuple(dict.fromkeys(metrics))

    @property
    def kind(self) -> Kind:
        """``energy``, ``score`` or ``baseline``."""
        return self.contender.kind

    @property
    def space(self) -> Space:
        """The searched domains, by dotted path of the configuration."""
        return self.contender.space

    def options(self) -> tuple[Any, ...]:
        """The compared options; see :meth:`gibbsweep.study.contender.Contender.options`."""
        return self.contender.options()

    def compared(self, option: Any) -> dict[str, Any]:
        """The values of ``option``, one of ``options()``, by path."""
        return self.contender.compared(option)

    def trials(self, asked: int) -> int:
        """The search trials that each of its options can use when ``asked`` are asked for: 0 where only the compared
        option varies."""
        varied = {path for path, _ in walk(self.space)} - set(self.contender.compared_paths)
        return asked if varied else 0
