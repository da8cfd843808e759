"""The options that decide a sweep's numbers, and the fingerprint of all that its recorded trials depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gibbsweep.study.space import describe, flatten
from gibbsweep.study.step_sizes import step_sizes
from gibbsweep.study.study import Study
from gibbsweep.train import Budget, PrecisionOption
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerForm, SchedulerName


@dataclass(frozen=True)
class Settings:
    """The options that decide a sweep's numbers, with every default filled in. They are recorded with the sweep, as
    JSON."""

    contenders: tuple[str, ...]
    """Names of the contenders that run."""
    trials: int
    """Search trials of each contender."""
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

    @property
    def form(self) -> SchedulerForm:
        """The scheduler that the settings describe."""
        return SchedulerForm(self.scheduler, self.eta, self.rungs, self.brackets, self.window, self.generations)

    def budget_of(self, study: Study, name: str) -> Budget:
        """The budget of contender ``name``, with ``retries`` where they are set."""
        budget = study.budget_of(name, self.budget)
        return budget if self.retries is None else replace(budget, retries=self.retries)


def fingerprint(study: Study, settings: Settings) -> dict[str, Any]:
    """Everything of a study that its recorded trials depend on, by contender, as JSON."""
    by_contender = {}
    for name in settings.contenders:
        contender = study.contenders[name]
        budget = settings.budget_of(study, name)
        by_contender[name] = {
            "config": {"class": type(contender.config).__name__, **flatten(study.config_of(name, settings.budget))},
            "space": describe(contender.space),
            "compare": contender.compare,
            "validation": study.validation,
            "views": list(study.views(settings.data)),
            **_goals(study, name),
            **({"constraints": [vars(c) for c in constraints]} if (constraints := study.constraints_of(name)) else {}),
            "budget": _without_defaults(vars(budget), retries=0, also_at=(), accumulate=1),
            **(
                {"halve": step_sizes(study.config_of(name, settings.budget), contender.halve)} if budget.retries else {}
            ),
            "evaluators": [repr(e) for e in study.evaluators_of(name, settings.budget)],
            "final_evaluators": [repr(e) for e in study.final_evaluators_of(name, settings.budget)],
        }
    as_json: dict[str, Any] = json.loads(json.dumps(by_contender))
    return as_json


def _goals(study: Study, name: str) -> dict[str, Any]:
    goals = [vars(goal) for goal in study.goals_of(name)]
    return {"goal": goals[0]} if len(goals) == 1 else {"goal": goals, "front": study.front}


def _without_defaults(record: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """``record`` without the fields that have their ``defaults``, so that sweeps from before these fields keep their
    fingerprint."""
    return {name: value for name, value in record.items() if name not in defaults or value != defaults[name]}


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
