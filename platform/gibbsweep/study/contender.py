"""A contender: one of the configurations that a study compares, with the space around it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gibbsweep.errors import UserError
from gibbsweep.evaluate import Evaluator
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.field_types import check_is_json
from gibbsweep.study.goal import Goals
from gibbsweep.study.space import Choice, Space, check_domains
from gibbsweep.train import Budget
from gibbsweep_models.types import SystemConfig

Kind = Literal["energy", "score", "baseline"]

_KINDS: Mapping[str, Kind] = {"energy": "energy", "score": "score", "baselines": "baseline"}
"""By the package of ``gibbsweep_models`` that a configuration is from."""
_BY_PACKAGE: Any = None

Evaluators = tuple[Evaluator, ...]
"""The evaluators of a split. A number of an evaluator may be a :func:`~gibbsweep.study.budget_values.by_budget`."""

Sizes = Mapping[str, Mapping[str, Any]]
"""What budgets change of a configuration: by the budget's name, values by dotted path."""


@dataclass(frozen=True)
class Contender:
    """A configuration and the space around it that is searched.

    For example::

        space = {"k": Choice(1, 10), "learning_rate": Float(0.01, 0.3, log=True)}
        Contender(RBMConfig(), space=space, compare="k")

    Errors: UserError where ``kind`` is left out and the configuration is not from ``gibbsweep_models``, where JSON
    cannot hold a field of the configuration, and where a path of the space has no domain.
    """

    config: SystemConfig
    """The recipe. It is the first trial of every search, and what is trained where nothing is searched."""
    kind: Kind = field(default=_BY_PACKAGE)
    """``energy``, ``score`` or ``baseline``; by default the package of ``gibbsweep_models`` that the configuration is
    from."""
    space: Space = field(default_factory=dict)
    """The searched domains, by dotted path of the configuration."""
    compare: str | tuple[str, ...] | None = None
    """The path of a Choice whose options are the question (the k of CD). Every option gets the same number of trials
    and a row of its own. With several paths, the question first, every combination has its row (k × learning rate)."""
    goal: Goals | None = None
    """The goals of its search (None: the study's)."""
    evaluators: Evaluators | None = None
    """Measure the validation split (None: the study's)."""
    final_evaluators: Evaluators | None = None
    """Measure the test split (None: the study's)."""
    budgets: Mapping[str, Budget] | None = None
    """How long it trains, by the budget's name (None: as the study says)."""
    by_budget: Sizes = field(default_factory=dict)
    """Fields of the configuration that a budget changes, by dotted path: ``{"paper": {"channels": (64, 128)}}``."""
    halved_on_restart: tuple[str, ...] | None = None
    """Paths of the step sizes that a run halves when it restarts after a divergence (``Budget.retries``). None: those
    that the configuration names, which are its learning rates and the steps of the chains it trains with."""
    evolves: tuple[str, ...] | None = None
    """Paths of the space whose values change while a population trains (``--scheduler population``). None: the step
    sizes among them, and other Floats under which a checkpoint can go on."""
    constraints: tuple[Constraint, ...] | None = None
    """Bounds on validation metrics (None: the study's)."""

    def __post_init__(self) -> None:
        if self.kind is _BY_PACKAGE:
            package = type(self.config).__module__.removeprefix("gibbsweep_models.").partition(".")[0]
            if package not in _KINDS:
                raise UserError(
                    f"{type(self.config).__name__} is from none of gibbsweep_models' packages {', '.join(_KINDS)}, so "
                    f"its kind is not known: name it, kind={' or '.join(repr(kind) for kind in _KINDS.values())}."
                )
            object.__setattr__(self, "kind", _KINDS[package])
        check_is_json(self.config)
        check_domains(self.space)

    @property
    def compared_paths(self) -> tuple[str, ...]:
        """The paths in ``compare`` as a tuple; empty without a comparison."""
        return () if self.compare is None else (self.compare,) if isinstance(self.compare, str) else self.compare

    def options(self) -> tuple[Any, ...]:
        """The compared options: values of one path, or tuples of several; ``(None,)`` without a comparison."""
        domains = [self.space[path] for path in self.compared_paths]
        combinations = itertools.product(*(domain.options for domain in domains if isinstance(domain, Choice)))
        if self.compare is None:
            return (None,)
        return tuple(c[0] if isinstance(self.compare, str) else c for c in combinations)

    def compared(self, option: Any) -> dict[str, Any]:
        """The values of ``option``, one of ``options()``, by path; empty without a comparison."""
        if self.compare is None:
            return {}
        return dict(zip(self.compared_paths, (option,) if isinstance(self.compare, str) else option, strict=True))
