"""A study: one question, the contenders that answer it, and how they are measured."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gibbsweep.data import DataNeeds
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Evaluator
from gibbsweep.results.targets import Target
from gibbsweep.study.budget_values import at_budget, check_budgets, check_name
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.goal import Goal, Goals, as_goals, check_goals
from gibbsweep.study.space import Choice, Space, check_paths, walk, with_values
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.train import Budget
from gibbsweep_models.types import SystemConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gibbsweep.results.results import Results

Kind = Literal["energy", "score", "baseline"]


def as_it_is(data: str) -> tuple[str, ...]:
    """One view: the data set itself."""
    return (data,)


def _none(results: Results) -> Sequence[str]:
    return ()


Evaluators = tuple[Evaluator, ...]
"""What is measured. A number of an evaluator may be a :func:`~gibbsweep.study.budget_values.by_budget`."""


Sizes = Mapping[str, Mapping[str, Any]]
"""What budgets change of a configuration: by the budget's name, values by dotted path."""

_KINDS: Mapping[str, Kind] = {"energy": "energy", "score": "score", "baselines": "baseline"}
"""By the package of ``gibbsweep_models`` that a configuration is from."""
_UNNAMED: Any = None


@dataclass(frozen=True)
class Contender:
    """A configuration with the space around it that is searched.

    ``compare``: the path of a Choice whose options are the question (CD's k): every option gets the same number of trials and a
    row of its own. Several paths, the question first, give every combination its row (k × learning rate). ``goal`` (one or several), ``constraints`` and the evaluators default to the study's. ``at``: fields of the configuration that a budget
    changes, by dotted path: ``{"paper": {"channels": (64, 128, 256)}}``. ``halve``: paths of the step sizes that a run halves when it restarts
    after a divergence (``Budget.retries``); None: those that the configuration names, its learning rates and the steps of the
    chains it trains with. ``evolves``: paths of the space whose values change while a population trains (``--scheduler population``);
    None: the step sizes among them, and other Floats under which a checkpoint goes on.
    """

    config: SystemConfig
    kind: Kind = field(default=_UNNAMED)
    space: Space = field(default_factory=dict)
    compare: str | tuple[str, ...] | None = None
    goal: Goals | None = None
    evaluators: Evaluators | None = None
    final_evaluators: Evaluators | None = None
    budgets: Mapping[str, Budget] | None = None
    at: Sizes = field(default_factory=dict)
    halve: tuple[str, ...] | None = None
    evolves: tuple[str, ...] | None = None
    constraints: tuple[Constraint, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind is _UNNAMED:
            package = type(self.config).__module__.removeprefix("gibbsweep_models.").partition(".")[0]
            if package not in _KINDS:
                raise UserError(
                    f"{type(self.config).__name__} is from none of gibbsweep_models' packages {', '.join(_KINDS)}, so its kind "
                    f"is not known: name it, kind={' or '.join(repr(kind) for kind in _KINDS.values())}."
                )
            object.__setattr__(self, "kind", _KINDS[package])

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


@dataclass(frozen=True)
class Study:
    """``goal``: what search optimises, a Goal or a tuple of several. With one the best configuration is retrained; with several at most
    ``front`` of those that no other completed trial beats in all: the best in each goal first, then the largest gaps between
    them (see :func:`gibbsweep.results.dominance.spread`), each a row of its own.

    ``evaluators`` measure the validation split at every report, ``final_evaluators`` the test split once, at the end of each
    retraining. ``columns`` gives the table's metrics with their headings. ``validation`` is the share of the training file set aside for tuning.

    ``needs``: what the data must have (labels, captions, axes), or the study is refused before anything trains. ``views`` turns the data set's name into the data that each best configuration is retrained on, search using the first alone
    (one class held out, each in turn); the table has the mean over views, and ``METRIC@VIEW`` holds each. ``targets`` are
    numbers to beat, judged in the results. ``constraints``: bounds on validation metrics that what is retrained must keep. ``figures`` draw from the finished table, ``findings`` put it into sentences, ``pictures`` name the evaluators'
    pictures (``samples``) that are shown beside it, one of each row, and ``sounds`` the sounds that are kept beside it. ``contenders[...]`` in ``default`` run unless others are
    named."""

    name: str
    question: str
    data: str
    contenders: Mapping[str, Contender]
    goal: Goals
    budgets: Mapping[str, Budget]
    evaluators: Evaluators
    final_evaluators: Evaluators
    columns: Mapping[str, str]
    default: tuple[str, ...] = ()
    trials: int = 8
    seeds: int = 3
    validation: float = 0.1
    needs: DataNeeds = field(default_factory=DataNeeds)
    views: Callable[[str], tuple[str, ...]] = as_it_is
    targets: tuple[Target, ...] = ()
    figures: Mapping[str, Callable[[Results], Figure]] = field(default_factory=dict)
    findings: Callable[[Results], Sequence[str]] = _none
    pictures: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    front: int = 3
    """Of several goals: how many configurations of each contender (and compared option) are retrained at most."""
    note: str = ""
    """What a reader of the numbers must mind; it stands above the table."""

    def __post_init__(self) -> None:
        for name, contender in self.contenders.items():
            check_goals(name, self.goals_of(name), self.front)
            check_paths(contender.config, contender.space)
            step_sizes(contender.config, contender.halve)
            for changes in contender.at.values():
                with_values(contender.config, changes)
            for path in contender.compared_paths:
                if not isinstance(contender.space.get(path), Choice):
                    raise UserError(
                        f"contender {name!r} compares {path!r}, which is not a Choice of its space: "
                        f"name one of {[p for p, d in contender.space.items() if isinstance(d, Choice)]}."
                    )

        self._check_budgets()

    def _check_budgets(self) -> None:
        own = [contender.budgets or self.budgets for contender in self.contenders.values()]
        known = list(dict.fromkeys(name for budgets in (self.budgets, *own) for name in budgets))
        for (name, contender), budgets in zip(self.contenders.items(), own, strict=True):
            for budget in contender.at:
                check_name(budget, known, f"contender {name!r}")
            for evaluators in self._evaluators(name):
                check_budgets(evaluators, budgets, known, f"an evaluator of contender {name!r}")

    def contender(self, name: str) -> Contender:
        if name not in self.contenders:
            raise UserError(f"study {self.name!r} has no contender {name!r}: it has {', '.join(self.contenders)}.")
        return self.contenders[name]

    def goals_of(self, name: str) -> tuple[Goal, ...]:
        return as_goals(self.contenders[name].goal or self.goal)

    def constraints_of(self, name: str) -> tuple[Constraint, ...]:
        own = self.contenders[name].constraints
        return self.constraints if own is None else own

    def budget_of(self, name: str, budget: str) -> Budget:
        budgets = self.contenders[name].budgets or self.budgets
        if budget not in budgets:
            raise UserError(f"study {self.name!r} has no budget {budget!r}: it has {', '.join(budgets)}.")
        return budgets[budget]

    def config_of(self, name: str, budget: str) -> SystemConfig:
        """The contender's configuration at ``budget``, before any searched value."""
        contender = self.contenders[name]
        config: SystemConfig = with_values(contender.config, contender.at.get(budget, {}))
        return config

    def trials_of(self, name: str, trials: int) -> int:
        """How many of ``trials`` search trials a contender can use: none where nothing but the compared option varies."""
        contender = self.contenders[name]
        return trials if {path for path, _ in walk(contender.space)} - set(contender.compared_paths) else 0

    def evaluators_of(self, name: str, budget: str) -> tuple[Evaluator, ...]:
        """What measures the validation split, with the numbers that it has at ``budget``."""
        return at_budget(self._evaluators(name)[0], budget)

    def final_evaluators_of(self, name: str, budget: str) -> tuple[Evaluator, ...]:
        """What measures the test split, with the numbers that it has at ``budget``."""
        return at_budget(self._evaluators(name)[1], budget)

    def _evaluators(self, name: str) -> tuple[Evaluators, Evaluators]:
        own = self.contenders[name]
        return (
            self.evaluators if own.evaluators is None else own.evaluators,
            self.final_evaluators if own.final_evaluators is None else own.final_evaluators,
        )
