"""A contender: one of the configurations that a study compares, with the space around it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gibbsweep.evaluate import Evaluator
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.goal import Goals
from gibbsweep.study.space import Choice, Space
from gibbsweep.train import Budget
from gibbsweep_models.types import SystemConfig

Kind = Literal["energy", "score", "baseline"]

Evaluators = tuple[Evaluator, ...]
"""What is measured. A number of an evaluator may be a :func:`~gibbsweep.study.budget_values.by_budget`."""


@dataclass(frozen=True)
class Contender:
    """A configuration with the space around it that is searched.

    Contender(RBMConfig(), "energy", {"k": Choice(1, 10), "learning_rate": Float(0.01, 0.3, log=True)}, compare="k")
    """

    config: SystemConfig
    """The recipe: the first trial of every search, and what a budget without a search trains."""
    kind: Kind
    space: Space = field(default_factory=dict)
    """What is searched: domains by dotted path of the configuration."""
    compare: str | tuple[str, ...] | None = None
    """The path of a Choice whose options are the question (CD's k): every option gets the same number of trials and a row of its
    own. Several paths, the question first, give every combination its row (k × learning rate)."""
    goal: Goals | None = None
    """What its search optimises (None: the study's goals)."""
    evaluators: Evaluators | None = None
    """What measures the validation split (None: the study's)."""
    final_evaluators: Evaluators | None = None
    """What measures the test split (None: the study's)."""
    budgets: Mapping[str, Budget] | None = None
    """How long it trains, by the budget's name (None: as the study says)."""
    at: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Fields of the configuration that a budget changes, by dotted path: ``{"paper": {"channels": (64, 128, 256)}}``."""
    halve: tuple[str, ...] | None = None
    """Paths of the step sizes that a run halves when it restarts after a divergence (``Budget.retries``); None: those that the
    configuration names, its learning rates and the steps of the chains it trains with."""
    evolves: tuple[str, ...] | None = None
    """Paths of the space whose values change while a population trains (``--scheduler population``); None: the step sizes among
    them, and other Floats under which a checkpoint goes on."""
    constraints: tuple[Constraint, ...] | None = None
    """Bounds on validation metrics that what is retrained must keep (None: the study's)."""

    @property
    def compared_paths(self) -> tuple[str, ...]:
        return () if self.compare is None else (self.compare,) if isinstance(self.compare, str) else self.compare

    def options(self) -> tuple[Any, ...]:
        """The options that are compared: values of one path, tuples of several; ``(None,)`` without a comparison."""
        domains = [self.space[path] for path in self.compared_paths]
        combinations = itertools.product(*(domain.options for domain in domains if isinstance(domain, Choice)))
        if self.compare is None:
            return (None,)
        return tuple(c[0] if isinstance(self.compare, str) else c for c in combinations)

    def compared(self, option: Any) -> dict[str, Any]:
        """One of ``options`` by path."""
        if self.compare is None:
            return {}
        return dict(zip(self.compared_paths, (option,) if isinstance(self.compare, str) else option, strict=True))
