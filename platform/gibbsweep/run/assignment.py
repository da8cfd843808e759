"""What one run has to do: a configuration to train once on one data set."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gibbsweep.data import Dataset, load
from gibbsweep.evaluate import Evaluator
from gibbsweep.run.schedule import flat, told
from gibbsweep.run.stored import config_classes
from gibbsweep.study.goal import Goals
from gibbsweep.train import Budget, PrecisionOption, Segment
from gibbsweep.train.files import write_atomically
from gibbsweep_models.types import SystemConfig

DATA_SEED = 0  # every run of every sweep sees the same train, validation and test splits


@dataclass(frozen=True)
class Assignment:
    """Everything one run needs, wherever it runs. ``evaluators`` see the validation split at each report, ``final_evaluators``
    the test split once, after the last update. ``goal``: the metric, or metrics, whose peak over the reports is kept with the outcome.
    ``halve``: see :class:`~gibbsweep.study.study.Contender`. ``constrained``: metrics that the sweep is told with each report beside the first goal. ``until``: updates after which it pauses, to be continued by an
    assignment that differs in this alone. ``packed``: whoever starts it may let others share its memory. ``schedule``: the segments of a
    run whose configuration changes while it trains, from its start on, each beginning where ``budget`` reports; ``evolves`` are the paths
    whose values are reported with its metrics, ``replays`` the run that it repeats."""

    name: str
    contender: str
    kind: Literal["search", "retrain", "single"]
    config: SystemConfig
    seed: int
    data: str
    budget: Budget
    run_dir: Path
    data_root: Path | None = None
    evaluators: tuple[Evaluator, ...] = ()
    final_evaluators: tuple[Evaluator, ...] = ()
    validation: float = 0.1
    precision: PrecisionOption = "auto"
    measurements: Path | None = None
    """The file of what "auto" measured, for all runs that share it (None: one of its own in ``run_dir``)."""
    git_commit: str = "unknown"
    searched: dict[str, Any] = field(default_factory=dict)
    goal: Goals | None = None
    until: int | None = None
    halve: tuple[str, ...] | None = None
    constrained: tuple[str, ...] = ()
    packed: bool = False
    front: str = ""
    """Of a retraining of a Pareto front: which member it is, as its row says."""
    schedule: tuple[Segment, ...] = ()
    evolves: tuple[str, ...] = ()
    replays: str | None = None


def data_of(assignment: Assignment) -> Dataset:
    """What ``assignment`` trains on and is measured by."""
    return load(
        assignment.data,
        root=assignment.data_root,
        units=assignment.config.units,
        seed=DATA_SEED,
        validation=assignment.validation,
    )


def write_config(assignment: Assignment, dataset: Dataset) -> None:
    """``config.json``: what was trained, on what, from which code."""
    record = {
        "contender": assignment.contender,
        "kind": assignment.kind,
        "seed": assignment.seed,
        "params": flat(assignment.config, assignment.schedule[-1] if assignment.schedule else None),
        "classes": config_classes(assignment.config),
        "searched": sorted(assignment.searched),
        **({"front": assignment.front} if assignment.front else {}),
        "budget": vars(assignment.budget),
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "source": dataset.source,
            "shape": list(dataset.spec.shape),
            "rows": len(dataset.train),
            "validation_rows": len(dataset.validation),
        },
        "git_commit": assignment.git_commit,
        **({"schedule": told(assignment.schedule)} if len(assignment.schedule) > 1 else {}),
        **({"replays": assignment.replays} if assignment.replays else {}),
    }
    write_atomically(assignment.run_dir / "config.json", json.dumps(record, indent=1).encode())
