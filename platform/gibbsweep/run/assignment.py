"""The assignment of one run: a configuration to train once on one data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gibbsweep.data import Dataset, load
from gibbsweep.evaluate import Evaluator
from gibbsweep.folder import RunFolder, write_json
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.data_spec import SPEC, spec_record
from gibbsweep.run.schedule import flat_config, schedule_as_json
from gibbsweep.run.stored import config_classes
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.goal import Goal
from gibbsweep.train import Budget, PrecisionOption, Segment
from gibbsweep_models.types import SystemConfig

_BATCH_SIZE = "batch_size"
"""In ``config.json`` the batch, where the data set has fewer examples than its budget asks for."""
DATA_SEED = 0
"""The seed of the splits: every run of every sweep sees the same train, validation and test split."""


@dataclass(frozen=True)
class Assignment:
    """Everything that one run needs, on whatever machine it runs.

    For example, one training of a study's contender outside a sweep::

        rbm = STUDY.at("laptop")["rbm"]
        run(Assignment("rbm", "rbm", "single", rbm.config, 0, STUDY.data, rbm.budget, Path("runs/rbm")))
    """

    name: str
    """The run's name: that of its folder."""
    contender: str
    """The name of the contender that it trains."""
    kind: Literal["search", "retrain", "single"]
    """``search``: a trial; ``retrain``: the best configuration with another seed; ``single``: a run outside a sweep."""
    config: SystemConfig
    """The configuration to train, the searched values filled in."""
    seed: int
    """The seed of the weights and of everything that is drawn."""
    data: str
    """The data set, or a view of it."""
    budget: Budget
    """How long it trains, and when it reports."""
    run_dir: Path
    """The run's folder."""
    data_root: Path | None = None
    """The folder of the data sets (None: as the environment says)."""
    evaluators: tuple[Evaluator, ...] = ()
    """Measure the validation split at each report."""
    final_evaluators: tuple[Evaluator, ...] = ()
    """Measure the test split once, after the last update."""
    validation: float = 0.1
    """The share of the training file that is set aside for validation."""
    precision: PrecisionOption = "auto"
    """The precision of the updates, or "auto" for the faster one."""
    measurements: Path | None = None
    """The file with the measurements of "auto" that several runs share (None: a file of its own in ``run_dir``)."""
    git_commit: str = "unknown"
    """The commit of the code, for the record."""
    searched: dict[str, Any] = field(default_factory=dict)
    """The searched values by path."""
    goals: tuple[Goal, ...] = ()
    """The metrics whose peak over the reports is stored with the outcome."""
    until: int | None = None
    """The update after which the run pauses (None: the budget's end). An assignment that differs in this alone
    continues it."""
    halved_on_restart: tuple[str, ...] | None = None
    """The paths that a restart halves; see :class:`gibbsweep.study.contender.Contender`."""
    announced: tuple[str, ...] = ()
    """Metrics that the sweep hears with each report."""
    packed: bool = False
    """Whether other runs may share its memory."""
    front: str = ""
    """The place on its Pareto front of the configuration that a retraining repeats, as the row's label says it."""
    schedule: tuple[Segment, ...] = ()
    """The segments of a run whose configuration changes while it trains, from the start on. Each begins at an update
    after which ``budget`` reports."""
    evolves: tuple[str, ...] = ()
    """The paths whose values such a run reports with its metrics."""
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
    """The assignment of a single run of ``contender``, as its study has it, to the end of its budget."""
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
        halved_on_restart=contender.contender.halved_on_restart,
    )


def data_of(assignment: Assignment) -> Dataset:
    """The data set whose splits ``assignment`` trains on and is measured by."""
    return load(
        assignment.data,
        root=assignment.data_root,
        units=assignment.config.units,
        seed=DATA_SEED,
        validation=assignment.validation,
    )


def cut_batch(budget: Budget, dataset: Dataset) -> str | None:
    """A sentence on the batch of ``budget`` where ``dataset`` has fewer training examples; None where it has enough.
    The budget itself, by which a run is compared with its record, stays as it was asked for."""
    n = len(dataset.train)
    if budget.within(n) == budget:
        return None
    return (
        f"an update sees all {n} training examples of '{dataset.name}', as they are fewer than the "
        f"{budget.batch_size} that the budget asks for"
    )


def trained_batch_size(run_dir: Path, asked: int) -> int:
    """The batch of the run in ``run_dir``, whose budget ``asked`` for so many examples."""
    path = RunFolder(run_dir).config
    return int(read_json_object(path).get(_BATCH_SIZE, asked)) if path.exists() else asked


def write_config(assignment: Assignment, dataset: Dataset) -> None:
    """Write ``config.json``: what is trained, on which data, from which commit."""
    write_json(RunFolder(assignment.run_dir).config, config_record(assignment, dataset))


def config_record(assignment: Assignment, dataset: Dataset) -> dict[str, Any]:
    """The content of ``config.json``: what is trained, on which data, from which commit."""
    return {
        "contender": assignment.contender,
        "kind": assignment.kind,
        "seed": assignment.seed,
        "params": flat_config(assignment.config, assignment.schedule[-1] if assignment.schedule else None),
        "classes": config_classes(assignment.config),
        "searched": sorted(assignment.searched),
        **({"front": assignment.front} if assignment.front else {}),
        "budget": vars(assignment.budget),
        **({} if cut_batch(assignment.budget, dataset) is None else {_BATCH_SIZE: len(dataset.train)}),
        "data": {
            "name": dataset.name,
            "fingerprint": dataset.fingerprint,
            "source": dataset.source,
            "shape": list(dataset.spec.shape),
            "rows": len(dataset.train),
            "validation_rows": len(dataset.validation),
        },
        SPEC: spec_record(dataset),
        "git_commit": assignment.git_commit,
        **({"schedule": schedule_as_json(assignment.schedule)} if len(assignment.schedule) > 1 else {}),
        **({"replays": assignment.replays} if assignment.replays else {}),
    }
