"""One run of a sweep as its folder shows it: what was tried, how it went, how it ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, SpoolRecord, sample_spool
from gibbsweep.folder.whole import read_json_object
from gibbsweep.study.goal import Goal
from gibbsweep.tune.folder.layout import SweepDir

MOST_READ = 100_000
"""The most reports of all runs together that are read; each run has its equal share."""


@dataclass(frozen=True)
class Run:
    """A run that has begun."""

    name: str
    contender: str
    kind: str
    """``search`` or ``retrain``."""
    seed: int
    option: Mapping[str, Any]
    """The compared values by path; empty without a comparison."""
    values: Mapping[str, Any]
    """Its whole configuration, by dotted path."""
    searched: Sequence[str]
    """The paths of it that were searched."""
    folder: RunFolder
    outcome: Outcome | None = None
    """How it ended; None while it has not."""
    paused: bool = False
    """Whether it waits at a rung."""
    view: str = ""
    """The data set that it trains on, or the view of it."""
    front: str = ""
    """For the retraining of a Pareto front, which point of it."""
    reports: Sequence[SpoolRecord] = field(default_factory=tuple)
    """Its reports, or as many of them, evenly spread, as a page can show."""

    @property
    def group(self) -> str:
        """The contender and its compared values, as :attr:`gibbsweep.results.row.Row.group` has it."""
        return " ".join([self.contender, *(f"{path}={value}" for path, value in self.option.items())])

    @property
    def label(self) -> str:
        """The group, and the place on its Pareto front, as :attr:`gibbsweep.results.row.Row.label` has it."""
        return f"{self.group} ({self.front})" if self.front else self.group

    @property
    def state(self) -> str:
        """The kind of its outcome, ``waiting`` at a rung, or ``not ended``."""
        return self.outcome.kind if self.outcome is not None else "waiting" if self.paused else "not ended"

    @property
    def updates(self) -> int:
        """Updates done, as far as is on disk."""
        return max(self.outcome.step if self.outcome else 0, self.reports[-1].step if self.reports else 0)

    @property
    def device_seconds(self) -> float:
        """Device-seconds spent in them."""
        if self.outcome is not None:
            return self.outcome.device_seconds
        return self.reports[-1].metrics.get("train/device_seconds", 0.0) if self.reports else 0.0

    def value(self, goal: Goal) -> float | None:
        """The value of ``goal`` that it ended with; None where it has none."""
        return None if self.outcome is None else self.outcome.metrics.get(goal.metric)


def read_runs(
    sweep: SweepDir,
    goals: Mapping[str, Sequence[Goal]],
    compared: Mapping[str, Sequence[str]],
    problems: list[str],
) -> list[Run]:
    """The runs of ``sweep`` that have begun, by name; a sentence in ``problems`` for each file that cannot be read."""
    try:
        names = sorted(os.listdir(sweep.trials))
    except FileNotFoundError:
        return []
    folders = [folder for name in names if (folder := RunFolder(sweep.trial(name))).config.exists()]
    most = max(20, MOST_READ // max(1, len(folders)))
    runs = []
    for folder in folders:
        try:
            config = read_json_object(folder.config)
            values = _flatten(config.get("params") or {})
            contender = str(config["contender"])
            option = {path: values.get(path) for path in compared.get(contender, ())}
        except (UserError, KeyError, TypeError, AttributeError, OSError) as error:
            problems.append(f"run {folder.path.name} is left out: its configuration cannot be read ({error}).")
            continue
        outcome, reports = None, []
        try:
            outcome = Outcome.read(folder.path)
        except (UserError, OSError) as error:
            problems.append(f"run {folder.path.name} is shown without its end: {error}.")
        try:
            reports = sample_spool(folder.spool, most)
        except (UserError, OSError) as error:
            problems.append(f"run {folder.path.name} is shown without its curve: {error}.")
        runs.append(
            Run(
                name=folder.path.name,
                contender=contender,
                kind=str(config.get("kind", "search")),
                seed=int(config.get("seed", 0)),
                option=option,
                values=values,
                searched=tuple(config.get("searched") or ()),
                folder=folder,
                outcome=outcome,
                paused=outcome is None and folder.paused.exists(),
                view=str((config.get("data") or {}).get("name", "")),
                front=str(config.get("front", "")),
                reports=reports,
            )
        )
    return runs


def _flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in params.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        flat |= _flatten(value, path) if isinstance(value, Mapping) and value else {path: value}
    return flat
