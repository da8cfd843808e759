"""A run as its folder records it, for another one that repeats it, varies it or goes on from its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder
from gibbsweep.folder.layout import CONFIG
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.stored import config_classes
from gibbsweep.study.space import flatten, with_tuples, with_values
from gibbsweep.study.study import Study
from gibbsweep.train import Budget
from gibbsweep_models.types import SystemConfig


@dataclass(frozen=True)
class RecordedRun:
    """What the folder of a run says that it trains: ``RecordedRun.read(Path("runs/cd_k-1/trials/rbm-0003"))``."""

    folder: RunFolder
    """The run's folder."""
    record: Mapping[str, Any]
    """The content of its ``config.json``."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """The run in the folder ``path``. Raises UserError where that holds none, or one of an earlier version."""
        folder = RunFolder(path)
        if not folder.config.exists():
            raise UserError(f"{path} is no run: expected a folder with {CONFIG}, such as runs/SWEEP/trials/RUN.")
        record = read_json_object(folder.config)
        lacking = [key for key in ("contender", "seed", "params", "classes", "budget", "data") if key not in record]
        if lacking:
            raise UserError(f"{folder.config} lacks {', '.join(lacking)}: it is of an earlier version; train it again.")
        return cls(folder, record)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.path.name

    @property
    def contender(self) -> str:
        """The name of the contender that it trains."""
        return str(self.record["contender"])

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.record["seed"])

    @property
    def data(self) -> str:
        """Its data set, or the view of it."""
        return str(self.record["data"]["name"])

    @property
    def budget(self) -> Budget:
        """How long it trains."""
        fields = dict(self.record["budget"])
        return Budget(**{**fields, "also_at": tuple(fields.get("also_at", ()))})

    @property
    def scheduled(self) -> bool:
        """Whether its values changed while it trained."""
        return "schedule" in self.record

    def budget_name(self, study: Study) -> str:
        """The name of its budget in ``study``: the one of its sweep, else the one that trains as long. Raises UserError
        where the study has none such."""
        contender = study.contender(self.contender)
        budgets = contender.budgets or study.budgets
        sweep = self.folder.sweep.record_path
        of_sweep = read_json_object(sweep).get("budget") if sweep.exists() else None
        if isinstance(of_sweep, str) and of_sweep in budgets:
            return of_sweep
        alike = [name for name, budget in budgets.items() if _length(budget) == _length(self.budget)]
        if not alike:
            raise UserError(
                f"{self.name} trained for {self.budget.updates} updates, which is no budget of study {study.name!r}: "
                f"name one with --budget {'|'.join(budgets)}."
            )
        return alike[0]

    def config(self, recipe: SystemConfig) -> SystemConfig:
        """Its configuration, of the classes of its contender's ``recipe``. Raises UserError where the contender has
        become another one since."""
        params: Mapping[str, Any] = self.record["params"]
        now, fields = config_classes(recipe), flatten(recipe)
        changed = [
            path or "the configuration"
            for path in {*now, *self.record["classes"]}
            if _class(now, path) != _class(self.record["classes"], path)
        ]
        changed += [path for path in {*params, *fields} if (path in params) != (path in fields)]
        if changed:
            raise UserError(
                f"contender {self.contender!r} is another one than {self.name} was trained as (other: "
                f"{', '.join(sorted(changed))}): go back to commit {str(self.record.get('git_commit', ''))[:12]}, or "
                "train it anew."
            )
        config: SystemConfig = with_values(recipe, {path: with_tuples(value) for path, value in params.items()})
        return config


def _length(budget: Budget) -> Budget:
    """``budget`` without what changes no update."""
    return replace(budget, also_at=(), retries=0, accumulate=1)


def _class(classes: Mapping[str, str], path: str) -> str:
    """The class at ``path`` without its module, which a later version may move."""
    return classes.get(path, "").rpartition(":")[2]


def as_json(config: SystemConfig) -> dict[str, Any]:
    """The fields of ``config`` by dotted path, as a record has them."""
    values: dict[str, Any] = json.loads(json.dumps(flatten(config)))
    return values
