"""A study: one question, the contenders that answer it, and how they are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gibbsweep.data import DataNeeds
from gibbsweep.errors import UserError
from gibbsweep.results.targets import Target
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.budget_values import at_budget, check_budgets, check_name
from gibbsweep.study.constraint import Constraint
from gibbsweep.study.contender import Contender, Evaluators
from gibbsweep.study.goal import Goals, as_goals, check_goals
from gibbsweep.study.space import Choice, check_paths, with_values
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.train import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gibbsweep.results.results import Results


def as_it_is(data: str) -> tuple[str, ...]:
    """One view: the data set itself."""
    return (data,)


def _none(results: Results) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Study:
    """A question, the contenders that answer it, and how they are measured.

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
    """

    name: str
    question: str
    data: str
    """The data set, or a view of it."""
    contenders: Mapping[str, Contender]
    goal: Goals
    """What search optimises: one Goal, or a tuple of several. With one the best configuration is retrained; with several at most
    ``front`` of the trials that no other completed trial beats in all: the best in each goal first, then the largest gaps
    between them (see :func:`gibbsweep.results.dominance.spread`), each a row of its own."""
    budgets: Mapping[str, Budget]
    """How long every contender trains, by the budget's name."""
    evaluators: Evaluators
    """What measures the validation split at every report."""
    final_evaluators: Evaluators
    """What measures the test split, once, at the end of each retraining."""
    columns: Mapping[str, str]
    """The table's metrics with their headings."""
    default: tuple[str, ...] = ()
    """The contenders that run unless others are named (empty: all)."""
    trials: int = 8
    """Search trials of each contender, unless others are asked for."""
    seeds: int = 3
    """Retrainings of each best configuration, unless others are asked for."""
    validation: float = 0.1
    """The share of the training file that is set aside for tuning."""
    needs: DataNeeds = field(default_factory=DataNeeds)
    """What the data must have (labels, captions, axes), or the study is refused before anything trains."""
    views: Callable[[str], tuple[str, ...]] = as_it_is
    """Turns the data set's name into the data that each best configuration is retrained on (one class held out, each in turn);
    search uses the first alone. The table has the mean over views, and ``METRIC@VIEW`` holds each."""
    targets: tuple[Target, ...] = ()
    """Numbers to beat, judged in the results."""
    figures: Mapping[str, Callable[[Results], Figure]] = field(default_factory=dict)
    """Draw from the finished table, by the name of the file."""
    findings: Callable[[Results], Sequence[str]] = _none
    """Puts the finished table into sentences."""
    pictures: tuple[str, ...] = ()
    """The evaluators' pictures (``samples``) that are shown beside the table, one of each row."""
    sounds: tuple[str, ...] = ()
    """The evaluators' sounds that are kept beside the table."""
    constraints: tuple[Constraint, ...] = ()
    """Bounds on validation metrics that what is retrained must keep."""
    front: int = 3
    """With several goals: how many configurations of each contender (and compared option) are retrained at most."""
    note: str = ""
    """What a reader of the numbers must mind; it stands above the table."""

    def __post_init__(self) -> None:
        for name, contender in self.contenders.items():
            check_goals(name, as_goals(contender.goal or self.goal), self.front)
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
            for evaluators in self._evaluators(contender):
                check_budgets(evaluators, budgets, known, f"an evaluator of contender {name!r}")

    def contender(self, name: str) -> Contender:
        """The contender ``name``; UserError if there is none."""
        if name not in self.contenders:
            raise UserError(f"study {self.name!r} has no contender {name!r}: it has {', '.join(self.contenders)}.")
        return self.contenders[name]

    def at(
        self, budget: str, names: Sequence[str] | None = None, *, retries: int | None = None
    ) -> dict[str, ContenderAtBudget]:
        """The contenders ``names`` (None: all) at ``budget``, by name, with every default filled in. ``retries``: instead of
        what the budget says."""
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
            config=with_values(contender.config, contender.at.get(budget, {})),
            budget=budgets[budget] if retries is None else replace(budgets[budget], retries=retries),
            goals=as_goals(contender.goal or self.goal),
            constraints=self.constraints if contender.constraints is None else contender.constraints,
            evaluators=at_budget(evaluators, budget),
            final_evaluators=at_budget(final_evaluators, budget),
        )

    def _evaluators(self, contender: Contender) -> tuple[Evaluators, Evaluators]:
        return (
            self.evaluators if contender.evaluators is None else contender.evaluators,
            self.final_evaluators if contender.final_evaluators is None else contender.final_evaluators,
        )
