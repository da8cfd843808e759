"""The options that decide a sweep's numbers, and the fingerprint of all that its recorded trials depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import describe, flatten
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.study.study import Study
from gibbsweep.train import PrecisionOption
from gibbsweep.tune.options.stable_text import stable_text
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName


@dataclass(frozen=True)
class Settings:
    """The options that decide a sweep's numbers, with every default filled in. They are recorded with the sweep, as
    JSON."""

    contenders: tuple[str, ...]
    """Names of the contenders that run."""
    trials: int
    """Search trials of each contender and, in one that compares, of each option."""
    seeds: int
    """Retrainings of each best configuration."""
    budget: str
    """Name of the budget."""
    data: str
    """Name of the data set, or of a view of it."""
    seed: int
    """Seed of the search and of every training."""
    precision: PrecisionOption
    """Arithmetic of training."""
    sampler: SamplerName
    """The sampler that chooses configurations."""
    scheduler: SchedulerName
    """The scheduler that decides how far trials run."""
    eta: int
    """One in so many goes on at each rung (halving, stopping)."""
    rungs: int | None
    """Rungs below the end (halving, stopping); None: as many as the trials can fill."""
    brackets: int
    """Starting rungs (halving)."""
    window: int
    """A trial is judged by the median of so many of its last reports."""
    retries: int | None = None
    """Restarts of a run that diverges; None: what each budget says."""
    generations: int = 8
    """Equal parts of training, between which the members of a population are compared."""
    from_sweep: str | None = None
    """The earlier sweep whose trials the samplers learn from."""
    no_borrow: bool = False
    """Whether no trial borrows values from another compared option or contender."""
    extended: tuple[int, ...] = ()
    """The ``trials`` that the sweep had before each of its extensions, in order (``--resume NAME --trials 32``)."""

    @property
    def first_trials(self) -> int:
        """The trials that the sweep was started with."""
        return self.extended[0] if self.extended else self.trials

    @property
    def form(self) -> SchedulerConfig:
        """The scheduler that the settings describe."""
        return SchedulerConfig(self.scheduler, self.eta, self.rungs, self.brackets, self.window, self.generations)

    def contenders_of(self, study: Study) -> dict[str, ContenderAtBudget]:
        """The contenders of this sweep at its budget, by name."""
        return study.at(self.budget, self.contenders, retries=self.retries)


def fingerprint(study: Study, settings: Settings) -> dict[str, Any]:
    """Everything of a study that its recorded trials depend on, by contender, as JSON. It is the same in every process.
    Raises UserError for an evaluator that has no such text."""
    by_contender = {}
    for name, at in settings.contenders_of(study).items():
        halved = step_sizes(at.config, at.contender.halved_on_restart) if at.budget.retries else None
        by_contender[name] = {
            "config": {"class": type(at.config).__name__, **flatten(at.config)},
            "space": describe(at.space),
            "compare": at.contender.compare,
            "validation": study.validation,
            "views": list(study.views(settings.data)),
            **_goals(at.goals, study.front_size),
            **({"constraints": [vars(constraint) for constraint in at.constraints]} if at.constraints else {}),
            "budget": vars(at.budget),
            **({"halve": halved} if halved is not None else {}),
            "evaluators": [stable_text(evaluator) for evaluator in at.evaluators],
            "final_evaluators": [stable_text(evaluator) for evaluator in at.final_evaluators],
        }
    as_json: dict[str, Any] = json.loads(json.dumps(by_contender))
    return as_json


def _goals(goals: Sequence[Goal], front: int) -> dict[str, Any]:
    as_json = [vars(goal) for goal in goals]
    return {"goal": as_json[0]} if len(goals) == 1 else {"goal": as_json, "front": front}


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """The differences of two JSON values, each as "path: old -> new"."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(k for k in new if k not in old)]
        missing = "absent"
        return [
            line
            for key in keys
            for line in differences(old.get(key, missing), new.get(key, missing), f"{path}.{key}" if path else str(key))
        ]
    return [] if old == new else [f"{path}: {old} -> {new}"]
