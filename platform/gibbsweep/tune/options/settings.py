"""The options that decide a sweep's numbers, and what its recorded trials depend on."""

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
class Decided:
    """The deciding options with every default filled in."""

    contenders: tuple[str, ...]
    trials: int
    seeds: int
    budget: str
    data: str
    seed: int
    precision: PrecisionOption
    sampler: SamplerName
    scheduler: SchedulerName
    eta: int
    rungs: int | None
    brackets: int
    window: int
    retries: int | None = None
    """None: what each budget says."""
    generations: int = 8
    from_sweep: str | None = None
    """The earlier sweep whose trials the samplers learn from."""

    @property
    def form(self) -> SchedulerForm:
        return SchedulerForm(self.scheduler, self.eta, self.rungs, self.brackets, self.window, self.generations)

    def budget_of(self, study: Study, name: str) -> Budget:
        """How long contender ``name`` trains."""
        budget = study.budget_of(name, self.budget)
        return budget if self.retries is None else replace(budget, retries=self.retries)


def fingerprint(study: Study, decided: Decided) -> dict[str, Any]:
    """Everything of a study that its recorded trials depend on, by contender, as JSON."""
    found = {}
    for name in decided.contenders:
        contender = study.contenders[name]
        budget = decided.budget_of(study, name)
        found[name] = {
            "config": {"class": type(contender.config).__name__, **flatten(study.config_of(name, decided.budget))},
            "space": describe(contender.space),
            "compare": contender.compare,
            "validation": study.validation,
            "views": list(study.views(decided.data)),
            **_goals(study, name),
            **({"constraints": [vars(c) for c in constraints]} if (constraints := study.constraints_of(name)) else {}),
            "budget": _said(vars(budget), retries=0, also_at=(), accumulate=1),
            **({"halve": step_sizes(study.config_of(name, decided.budget), contender.halve)} if budget.retries else {}),
            "evaluators": [repr(e) for e in study.evaluators_of(name, decided.budget)],
            "final_evaluators": [repr(e) for e in study.final_evaluators_of(name, decided.budget)],
        }
    as_json: dict[str, Any] = json.loads(json.dumps(found))
    return as_json


def _goals(study: Study, name: str) -> dict[str, Any]:
    goals = [vars(goal) for goal in study.goals_of(name)]
    return {"goal": goals[0]} if len(goals) == 1 else {"goal": goals, "front": study.front}


def _said(record: Mapping[str, Any], **silent: Any) -> dict[str, Any]:
    """``record`` without what has its ``silent`` value: sweeps from before there was such a field stay what they are."""
    return {name: value for name, value in record.items() if name not in silent or value != silent[name]}


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two JSON values differ, as "path: old -> new"."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(k for k in new if k not in old)]
        missing = "absent"
        return [
            line
            for key in keys
            for line in differences(old.get(key, missing), new.get(key, missing), f"{path}.{key}" if path else str(key))
        ]
    return [] if old == new else [f"{path}: {old} -> {new}"]
