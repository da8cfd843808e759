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
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.goal import Goal
from gibbsweep.train import Budget, PrecisionOption, Segment
from gibbsweep.train.files import write_atomically
from gibbsweep_models.types import SystemConfig

DATA_SEED = 0  # every run of every sweep sees the same train, validation and test splits


@dataclass(frozen=True)
class Assignment:
    """Everything that one run needs, wherever it runs."""

    name: str
    contender: str
    kind: Literal["search", "retrain", "single"]
    config: SystemConfig
    seed: int
    data: str
    """The data set, or a view of it."""
    budget: Budget
    run_dir: Path
    data_root: Path | None = None
    evaluators: tuple[Evaluator, ...] = ()
    """What measures the validation split at each report."""
    final_evaluators: tuple[Evaluator, ...] = ()
    """What measures the test split once, after the last update."""
    validation: float = 0.1
    """The share of the training file that is set aside for validation."""
    precision: PrecisionOption = "auto"
    measurements: Path | None = None
    """The file of what "auto" measured, for all runs that share it (None: one of its own in ``run_dir``)."""
    git_commit: str = "unknown"
    searched: dict[str, Any] = field(default_factory=dict)
    """The searched values by path."""
    goals: tuple[Goal, ...] = ()
    """The metrics whose peak over the reports is kept with the outcome."""
    until: int | None = None
    """Updates after which the run pauses, to be continued by an assignment that differs in this alone (None: the budget's end)."""
    halve: tuple[str, ...] | None = None
    """See :class:`gibbsweep.study.contender.Contender`."""
    announced: tuple[str, ...] = ()
    """Metrics that the sweep hears with each report."""
    packed: bool = False
    """Other runs may share its memory."""
    front: str = ""
    """The member of its Pareto front that a retraining is, as its row says."""
    schedule: tuple[Segment, ...] = ()
    """The segments of a run whose configuration changes while it trains, from its start on, each beginning where ``budget``
    reports."""
    evolves: tuple[str, ...] = ()
    """The paths whose values are reported with the metrics of such a run."""
    replays: str | None = None
    """The run whose schedule it repeats."""


def assignment_of(
    contender: ContenderAtBudget,
    *,
    seed: int,
    data: str,
    run_dir: Path,
    data_root: Path | None,
    validation: float,
    precision: PrecisionOption,
) -> Assignment:
    """A single run of ``contender`` as its study has it, to the end of its budget."""
    return Assignment(
        name=contender.name,
        contender=contender.name,
        kind="single",
        config=contender.config,
        seed=seed,
        data=data,
        budget=contender.budget,
        run_dir=run_dir,
        data_root=data_root.absolute() if data_root else None,
        evaluators=contender.evaluators,
        final_evaluators=contender.final_evaluators,
        validation=validation,
        precision=precision,
        goals=contender.goals,
        halve=contender.contender.halve,
    )


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
