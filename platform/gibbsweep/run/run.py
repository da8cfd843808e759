"""One run: an assignment carried out, with its record in a folder."""

from __future__ import annotations

import traceback
from dataclasses import replace

import torch

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.evaluate import evaluate_all
from gibbsweep.run.assignment import Assignment, data_of, write_config
from gibbsweep.run.history import over_training
from gibbsweep.run.provenance import device_name
from gibbsweep.run.restart import restarted
from gibbsweep.run.schedule import config_in, flat, halved, part_from, with_numbers
from gibbsweep.study.space import with_values
from gibbsweep.study.step_sizes import check_halving
from gibbsweep.train import (
    Composed,
    Evaluation,
    Measured,
    Outcome,
    Precision,
    Reporter,
    Segment,
    SpoolReporter,
    fit,
    read_restarts,
    spent,
    survived,
    train,
)
from gibbsweep.train.checkpoint import has_checkpoint, load_weights, read_progress
from gibbsweep.train.files import full_disk_said
from gibbsweep.train.out_of_memory import ADVICE, OutOfMemory, first_line, memory_of
from gibbsweep.train.outcome import STABILITY
from gibbsweep.train.repackings import read_repackings
from gibbsweep.train.report import write_artifacts
from gibbsweep_models import parallel
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System, SystemConfig


def run(assignment: Assignment, *, announce: Reporter | None = None, watch: Reporter | None = None) -> Outcome:
    """Train (or resume) and evaluate one assignment; the outcome is returned and written to its folder.

    An error inside the run is an outcome, "failed", with its traceback on standard error; a UserError is raised, since it stops
    more than this run. So is a full disk (as DiskFull): the run has no outcome yet and goes on, once there is space, from its last
    checkpoint. A memory that runs out is raised, as OutOfMemory, where the assignment is ``packed``. Under data parallelism every
    worker calls this; the first one writes.
    """
    with full_disk_said(assignment.run_dir):
        return _run(assignment, announce, watch)


def _run(assignment: Assignment, announce: Reporter | None, watch: Reporter | None) -> Outcome:
    first = parallel.rank() == 0
    previous = Outcome.read(assignment.run_dir)
    if previous is not None:
        return previous
    spool = SpoolReporter(assignment.run_dir) if first else None
    dataset = data_of(assignment)
    if first:
        write_config(assignment, dataset)
    outcome = Outcome("failed", step=-1)
    try:
        system, outcome = _train(assignment, dataset, spool, announce, watch)
        outcome = _measured(assignment, dataset, system, outcome)
    except Exception as error:  # whatever it is, it is recorded, and the sweep goes on
        if isinstance(error, UserError) or is_disk_full(error):
            raise
        traceback.print_exc()
        memory = memory_of(error)
        if memory is not None and assignment.packed:
            raise OutOfMemory(memory, first_line(error)) from error
        # What was trained before a failing evaluation keeps its step and its numbers.
        if outcome.step < 0:
            outcome = replace(outcome, **spent(assignment.run_dir))
        outcome = replace(
            outcome, outcome="failed", message=f"{type(error).__name__}: {error}{f'; {ADVICE}' if memory else ''}"
        )
        if parallel.world_size() > 1:
            if first:
                outcome.write(assignment.run_dir)
            raise  # the other workers wait in a collective: only their group's end frees them
    finally:
        if spool is not None:
            spool.close()
    outcome = replace(outcome, device=device_name(pick_device()), repackings=tuple(read_repackings(assignment.run_dir)))
    if outcome.outcome != "failed":
        stability = survived(outcome, assignment.budget.updates)
        outcome = replace(outcome, metrics={**outcome.metrics, STABILITY: stability})
    if first and assignment.goals:
        history = over_training(assignment.run_dir / "metrics.jsonl", assignment.goals)
        outcome = replace(outcome, metrics={**outcome.metrics, **history})
    if first:
        outcome.write(assignment.run_dir)
    return outcome


def _train(
    assignment: Assignment,
    dataset: Dataset,
    spool: SpoolReporter | None,
    announce: Reporter | None,
    watch: Reporter | None,
) -> tuple[System, Outcome]:
    device = pick_device()
    system = _built(assignment, dataset, next(iter(assignment.schedule), None), 0)

    def validate(system: System, step: int) -> Evaluation:
        return evaluate_all(
            assignment.evaluators,
            system,
            dataset.validation,
            prefix="validation",
            seed=assignment.seed,
            step=step,
            device=device,
        )

    report = Composed(*(r for r in (spool, watch) if r is not None))
    if isinstance(system, CanFit):
        outcome = fit(
            system,
            dataset.train,
            report=report,
            announce=announce,
            seed=assignment.seed,
            evaluate=validate,
            device=device,
        )
        return system, outcome
    if assignment.budget.retries:
        check_halving(assignment.config, assignment.halve)
    budget = assignment.budget
    end = budget.updates if assignment.until is None else assignment.until
    restarts = read_restarts(assignment.run_dir)
    while True:
        done = read_progress(assignment.run_dir / "checkpoint").step
        segment, before, until = part_from(assignment.config, assignment.schedule, done, end)
        if restarts or segment is not None:
            system = _built(assignment, dataset, segment, len(restarts))
        outcome = train(
            system,
            dataset.train,
            budget,
            report=report if segment is None else with_numbers(report, segment, assignment.evolves),
            announce=announce,
            run_dir=assignment.run_dir,
            seed=assignment.seed,
            evaluate=validate,
            device=device,
            precision=_precision(assignment, device),
            config=flat(assignment.config, segment),
            until=until,
            restarts=restarts,
            segment=segment,
            before=before,
        )
        if outcome.outcome == "paused" and outcome.step < end:
            parallel.all_mean(torch.zeros(1, device=device))  # all wait until the first has saved what they go on from
            continue
        if outcome.outcome != "diverged" or len(restarts) >= budget.retries:
            return system, outcome
        config = config_in(assignment.config, segment)
        restarts = restarted(outcome, assignment.run_dir, config, assignment.halve)
        print(f"restart {len(restarts)} of {budget.retries}: {restarts[-1]}", flush=True)


def _precision(assignment: Assignment, device: torch.device) -> Precision | Measured:
    if assignment.precision != "auto":
        return assignment.precision
    path = assignment.measurements or assignment.run_dir / "precision.json"
    return Measured(path, device_name(device), assignment.name)


def _built(assignment: Assignment, dataset: Dataset, segment: Segment | None, restarts: int) -> System:
    """The system with the weights of its seed, with the values of ``segment`` and the steps of so many restarts."""
    # Weights are drawn by PyTorch's initialisers, which know only the global generator.
    torch.manual_seed(assignment.seed)
    config = config_in(assignment.config, segment)
    steps: SystemConfig = with_values(config, halved(config, assignment.halve, restarts))
    return steps.build(dataset.spec)


def _measured(assignment: Assignment, dataset: Dataset, system: System, outcome: Outcome) -> Outcome:
    """``outcome`` with the test split's numbers, read once; the pictures and sounds are written to the run's folder."""
    if outcome.outcome != "completed" or not assignment.final_evaluators or parallel.rank() != 0:
        return outcome
    checkpoint = assignment.run_dir / "checkpoint"
    step = load_weights(checkpoint, system) if has_checkpoint(checkpoint) else outcome.step
    system.eval()
    with parallel.alone():
        final = evaluate_all(
            assignment.final_evaluators,
            system,
            dataset.test,
            prefix="test",
            seed=assignment.seed,
            step=step,
            device=pick_device(),
        )
    write_artifacts(assignment.run_dir, step, final.images, final.sounds)
    return replace(outcome, metrics={**outcome.metrics, **final.metrics})


def pick_device() -> torch.device:
    """This worker's GPU where there is one (the scheduler shows each process only its own), else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
