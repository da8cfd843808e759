"""A study: one question, the contenders that answer it, and how they are measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gibbsweep.data import DataNeeds
from gibbsweep.errors import UserError
from gibbsweep.evaluate.contract import CanBeBrief
from gibbsweep.folder import as_file_name
from gibbsweep.results.targets import Target
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.budget_values import at_budget, by_budget, check_budgets, check_name
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.contender import Contender, Evaluators
from gibbsweep.study.field_types import check_is_json, check_type
from gibbsweep.study.goal import Goals, as_goals, check_goals
from gibbsweep.study.space import Choice, check_paths, walk, with_values
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.train import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gibbsweep.results.results import Results


def as_it_is(data: str) -> tuple[str, ...]:
    """The single view ``data``: retrainings train on the same data as the search."""
    return (data,)


def _check_name(what: str, name: str) -> None:
    """Raise UserError for a ``name`` that no folder can have."""
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        proposal = as_file_name(name).lstrip(".") or "my_study"
        raise UserError(
            f"{what} is called {name!r}, which names a folder: use letters, digits, -, _ and dots, such as "
            f"{proposal!r}."
        )


def _none(results: Results) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Study:
    """A question, the contenders that answer it, and how they are measured.

    For example::

        STUDY = Study(
            name="cd_k",
            question="How many Gibbs steps does contrastive divergence need?",
            data="mnist5k",
            contenders={"rbm": Contender(RBMConfig(), "energy", {"k": Choice(1, 10)}, compare="k")},
            goal=Goal("validation/log_likelihood", "maximize"),
            budgets={"smoke": Budget(20, 64, 10), "laptop": Budget(1000, 64, 200)},
            evaluators=(LogLikelihood(),),
            final_evaluators=(LogLikelihood(),),
            columns={"test/log_likelihood": "log p(x)"},
        )

    Errors: UserError where a contender searches, compares, halves or changes a path that its configuration lacks, where
    a domain has values of another type than its field, where a name is no folder's, where its goals contradict each
    other, or where a name of a budget is unknown.
    """

    name: str
    """The study's name: that of its results' files, and the beginning of its sweeps' names."""
    question: str
    """The question in one sentence, for the head of the table."""
    data: str
    """The data set, or a view of it."""
    contenders: Mapping[str, Contender]
    """The contenders by name."""
    goal: Goals
    """The goal of every search, or a tuple of several.

    With one goal the best configuration is retrained. With several, at most ``front`` of the trials that no other
    completed trial beats in all goals are retrained, each with a row of its own: the best in each goal first, then
    those in the largest gaps (see :func:`gibbsweep.results.dominance.spread`)."""
    budgets: Mapping[str, Budget]
    """How long every contender trains, by the budget's name."""
    evaluators: Evaluators
    """Measure the validation split at every report."""
    final_evaluators: Evaluators
    """Measure the test split, once, at the end of each retraining."""
    columns: Mapping[str, str]
    """The metrics of the table with their headings."""
    answer: Goals | None = None
    """The metrics by which its table answers its question, such as ``Goal("test/auroc", "maximize")`` (None: its goals,
    on the test split)."""
    default: tuple[str, ...] = ()
    """The contenders that run unless others are named (empty: all)."""
    trials: int = by_budget(smoke=2, other=9)
    """Search trials of each row (of each contender and, in one that compares, of each option), unless another number is
    asked for; a number or a :func:`~gibbsweep.study.budget_values.by_budget`."""
    scheduler: str = by_budget(smoke="none", other="halving")
    """How far trials run, unless another scheduler is asked for; a name or a
    :func:`~gibbsweep.study.budget_values.by_budget`. Nine trials by promotion cost as many updates as two or three that
    all train to the end."""
    seeds: int = 3
    """Retrainings of each best configuration, unless another number is asked for."""
    validation: float = 0.1
    """The share of the training file that is set aside for tuning."""
    needs: DataNeeds = field(default_factory=DataNeeds)
    """What the data must have (labels, captions, axes), or the study is refused before anything trains."""
    views: Callable[[str], tuple[str, ...]] = as_it_is
    """Turns the data set's name into the views that each best configuration is retrained on, such as one for each class
    held out. Search uses the first view alone. The table has the mean over views, and ``METRIC@VIEW`` holds each."""
    targets: tuple[Target, ...] = ()
    """Numbers to beat, judged in the results."""
    figures: Mapping[str, Callable[[Results], Figure]] = field(default_factory=dict)
    """Functions that draw a figure from the finished table, by the name of the figure's file."""
    findings: Callable[[Results], Sequence[str]] = _none
    """Puts the finished table into sentences."""
    pictures: tuple[str, ...] = ()
    """The evaluators' pictures (``samples``) that are shown beside the table, one of each row."""
    sounds: tuple[str, ...] = ()
    """The evaluators' sounds that are kept beside the table."""
    constraints: tuple[Constraint, ...] = ()
    """Bounds on validation metrics. A trial that violates one is retrained only where none satisfies all."""
    front_size: int = 3
    """With several goals, the most configurations of each contender (and compared option) that are retrained."""
    note: str = ""
    """A caution to the reader of the numbers; it stands above the table."""

    def __post_init__(self) -> None:
        _check_name("a study", self.name)
        for figure in self.figures:
            _check_name(f"a figure of study {self.name!r}", figure)
        for name, contender in self.contenders.items():
            _check_name(f"a contender of study {self.name!r}", name)
            check_goals(name, as_goals(contender.goal or self.goal), self.front_size)
            check_paths(contender.config, contender.space)
            step_sizes(contender.config, contender.halved_on_restart)
            for path, domain in walk(contender.space):
                for value in domain.options if isinstance(domain, Choice) else (domain.low, domain.high):
                    check_type(contender.config, path, value)
            for changes in contender.by_budget.values():
                check_is_json(with_values(contender.config, changes))
            for path in contender.compared_paths:
                if not isinstance(contender.space.get(path), Choice):
                    raise UserError(
                        f"contender {name!r} compares {path!r}, which is not a Choice of its space: "
                        f"name one of {[p for p, d in contender.space.items() if isinstance(d, Choice)]}."
                    )

        self._check_budgets()

    def _check_budgets(self) -> None:
        budgets_of_each = [contender.budgets or self.budgets for contender in self.contenders.values()]
        budget_names = list(dict.fromkeys(name for budgets in (self.budgets, *budgets_of_each) for name in budgets))
        # Whoever leaves the trials out has those of a smoke budget by default, also without such a budget.
        check_budgets((self.trials, self.scheduler), budget_names, (*budget_names, "smoke"), f"study {self.name!r}")
        for (name, contender), budgets in zip(self.contenders.items(), budgets_of_each, strict=True):
            for budget in contender.by_budget:
                check_name(budget, budget_names, f"contender {name!r}")
            for evaluators in self._evaluators(contender):
                check_budgets(evaluators, budgets, budget_names, f"an evaluator of contender {name!r}")

    @property
    def answered_by(self) -> dict[str, str]:
        """The metrics by which its table answers its question, each with ``maximize`` or ``minimize``."""
        return {goal.metric: goal.direction for goal in as_goals(self.answer or self.goal)}

    def contender(self, name: str) -> Contender:
        """The contender ``name``. Raise UserError if there is none."""
        if name not in self.contenders:
            raise UserError(f"study {self.name!r} has no contender {name!r}: it has {', '.join(self.contenders)}.")
        return self.contenders[name]

    def at(
        self, budget: str, names: Sequence[str] | None = None, *, retries: int | None = None
    ) -> dict[str, ContenderAtBudget]:
        """The contenders ``names`` (None: all) at ``budget``, by name, with every default filled in.

        ``retries`` replaces the number of restarts in the budget (None: the budget's own). Raise UserError if there is
        no such contender or budget.
        """
        return {
            name: self._at(self.contender(name), name, budget, retries)
            for name in (self.contenders if names is None else names)
        }

    def _at(self, contender: Contender, name: str, budget: str, retries: int | None) -> ContenderAtBudget:
        budgets = contender.budgets or self.budgets
        if budget not in budgets:
            raise UserError(f"study {self.name!r} has no budget {budget!r}: it has {', '.join(budgets)}.")
        evaluators, final_evaluators = self._evaluators(contender)
        return ContenderAtBudget(
            name,
            contender,
            config=with_values(contender.config, contender.by_budget.get(budget, {})),
            budget=budgets[budget] if retries is None else replace(budgets[budget], retries=retries),
            goals=as_goals(contender.goal or self.goal),
            constraints=self.constraints if contender.constraints is None else contender.constraints,
            evaluators=_measures(evaluators, budget),
            final_evaluators=_measures(final_evaluators, budget),
        )

    def _evaluators(self, contender: Contender) -> tuple[Evaluators, Evaluators]:
        return (
            self.evaluators if contender.evaluators is None else contender.evaluators,
            self.final_evaluators if contender.final_evaluators is None else contender.final_evaluators,
        )


def _measures(evaluators: Evaluators, budget: str) -> Evaluators:
    """``evaluators`` at ``budget``: a smoke run shows that all works, and does not train a network for its numbers."""
    resolved: Evaluators = at_budget(evaluators, budget)
    if budget != "smoke":
        return resolved
    return tuple(e.briefly() if isinstance(e, CanBeBrief) else e for e in resolved)
