"""One run: carry out an assignment and write its record into its folder."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import torch

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError, is_disk_full
from gibbsweep.evaluate import evaluate_all
from gibbsweep.folder import (
    STABILITY,
    Outcome,
    RunFolder,
    disk_full_as_error,
    phases,
    read_memory_retries,
    read_restarts,
    spent,
    survived,
    write_phase,
)
from gibbsweep.run.assignment import Assignment, cut_batch, data_of, write_config
from gibbsweep.run.history import peaks_and_drops
from gibbsweep.run.provenance import device_name
from gibbsweep.run.restart import add_restart
from gibbsweep.run.same_run import check_same_run
from gibbsweep.run.schedule import config_in, flat_config, halved_steps, part_from, with_numbers
from gibbsweep.study.space import with_values
from gibbsweep.study.step_sizes import check_halving
from gibbsweep.train import Composed, Evaluation, Measured, Precision, Reporter, Segment, SpoolReporter, fit, train
from gibbsweep.train.checkpoint import has_checkpoint, load_weights, read_progress
from gibbsweep.train.out_of_memory import ADVICE, OutOfMemory, first_line, memory_of
from gibbsweep.train.report import write_artifacts
from gibbsweep_models import parallel
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System, SystemConfig


def run(assignment: Assignment, *, announce: Reporter | None = None, watch: Reporter | None = None) -> Outcome:
    """Train (or resume) and evaluate one assignment; return its outcome and write it to its folder.

    A finished folder returns its outcome, and a started one goes on; both only for the run that they are of
    (:func:`check_same_run`). An error inside the run is the outcome "failed", with its traceback on standard error.
    Three errors are raised: UserError, since it concerns more than this run; DiskFull, after which the run has no
    outcome yet and goes on from its last checkpoint once there is space; and OutOfMemory where the assignment is
    ``packed``. Under data parallelism every worker calls this function, and the first one writes.

    ``announce`` gets each report on every worker, and may stop or pause the run by it. ``watch`` gets each report that
    is written. For example::

        outcome = run(assignment_of(
            STUDY.at("laptop")["rbm"], seed=0, data=STUDY.data, run_dir=Path("runs/rbm"),
            data_root=None, validation=STUDY.validation, precision="auto",
        ))
    """
    with disk_full_as_error(assignment.run_dir), _phases(assignment):
        return _run(assignment, announce, watch)


@contextlib.contextmanager
def _phases(assignment: Assignment) -> Iterator[None]:
    """A context in which the run's folder says what the run does; one worker of several says it."""
    if parallel.rank() != 0:
        yield
        return
    assignment.run_dir.mkdir(parents=True, exist_ok=True)
    with phases(assignment.run_dir, "reading data"):
        yield


def _say(assignment: Assignment, words: str) -> None:
    if parallel.rank() == 0:
        write_phase(assignment.run_dir, words)


def _run(assignment: Assignment, announce: Reporter | None, watch: Reporter | None) -> Outcome:
    first, run_dir = parallel.rank() == 0, assignment.run_dir
    dataset = data_of(assignment)
    check_same_run(assignment, dataset)
    previous = Outcome.read(run_dir)
    if previous is not None:
        return previous
    spool = SpoolReporter(run_dir) if first else None
    if first:
        write_config(assignment, dataset)
    outcome = Outcome("failed", step=-1)
    try:
        system, outcome = _train(assignment, dataset, spool, announce, watch)
        outcome = _evaluate_test(assignment, dataset, system, outcome)
    except Exception as error:  # whatever it is, it is recorded, and the sweep goes on
        if isinstance(error, UserError) or is_disk_full(error):
            raise
        traceback.print_exc()
        memory = memory_of(error)
        if memory is not None and assignment.packed:
            raise OutOfMemory(memory, first_line(error)) from error
        # What was trained before a failing evaluation keeps its step and its numbers.
        if outcome.step < 0:
            outcome = replace(outcome, **spent(run_dir))
        outcome = replace(
            outcome, kind="failed", message=f"{type(error).__name__}: {error}{f'; {ADVICE}' if memory else ''}"
        )
        if parallel.world_size() > 1:
            if first:
                outcome.write(run_dir)
            raise  # the other workers wait in a collective: only their group's end frees them
    finally:
        if spool is not None:
            spool.close()
    outcome = replace(outcome, device=device_name(pick_device()), memory_retries=tuple(read_memory_retries(run_dir)))
    if outcome.kind != "failed":
        stability = survived(outcome, assignment.budget.updates)
        outcome = replace(outcome, metrics={**outcome.metrics, STABILITY: stability})
    if first and assignment.goals:
        history = peaks_and_drops(RunFolder(run_dir).spool, assignment.goals)
        outcome = replace(outcome, metrics={**outcome.metrics, **history})
    if first:
        outcome.write(run_dir)
    return outcome


def _train(
    assignment: Assignment,
    dataset: Dataset,
    spool: SpoolReporter | None,
    announce: Reporter | None,
    watch: Reporter | None,
) -> tuple[System, Outcome]:
    device = pick_device()
    system = _build(assignment, dataset, next(iter(assignment.schedule), None), 0)

    def validate(system: System, step: int) -> Evaluation:
        evaluation = evaluate_all(
            assignment.evaluators,
            system,
            dataset.validation,
            prefix="validation",
            seed=assignment.seed,
            step=step,
            device=device,
            say=partial(_say, assignment),
        )
        _say(assignment, "training")
        return evaluation

    report = Composed(*(r for r in (spool, watch) if r is not None))
    _say(assignment, "training")
    if isinstance(system, CanFit):
        outcome = fit(
            system,
            dataset.train,
            report=report,
            announce=announce,
            run_dir=assignment.run_dir,
            seed=assignment.seed,
            evaluate=validate,
            device=device,
            config=flat_config(assignment.config, None),
        )
        return system, outcome
    if assignment.budget.retries:
        check_halving(assignment.config, assignment.halved_on_restart)
    budget = assignment.budget.within(len(dataset.train))
    if spool is not None and (sentence := cut_batch(assignment.budget, dataset)):
        print(f"batch: {sentence}", flush=True)
    end = budget.updates if assignment.until is None else assignment.until
    restarts = read_restarts(assignment.run_dir)
    while True:
        done = read_progress(RunFolder(assignment.run_dir).checkpoint).step
        part = part_from(assignment.config, assignment.schedule, done, end, restarts)
        segment = part.segment
        if restarts or segment is not None:
            system = _build(assignment, dataset, segment, len(restarts))
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
            config=flat_config(assignment.config, segment),
            part=part,
        )
        if outcome.kind == "paused" and outcome.step < end:
            parallel.all_mean(torch.zeros(1, device=device))  # all wait until the first has saved what they go on from
            continue
        if outcome.kind != "diverged" or len(restarts) >= budget.retries:
            return system, outcome
        config = config_in(assignment.config, segment)
        restarts = add_restart(outcome, assignment.run_dir, config, assignment.halved_on_restart)
        print(f"restart {len(restarts)} of {budget.retries}: {restarts[-1]}", flush=True)


def _precision(assignment: Assignment, device: torch.device) -> Precision | Measured:
    if assignment.precision != "auto":
        return assignment.precision
    path = assignment.measurements or RunFolder(assignment.run_dir).precision
    return Measured(path, device_name(device), assignment.name, partial(_say, assignment))


def _build(assignment: Assignment, dataset: Dataset, segment: Segment | None, restarts: int) -> System:
    """The system with the initial weights of its seed, the values of ``segment``, and steps halved per restart."""
    # Weights are drawn by PyTorch's initialisers, which know only the global generator.
    torch.manual_seed(assignment.seed)
    config = config_in(assignment.config, segment)
    steps: SystemConfig = with_values(config, halved_steps(config, assignment.halved_on_restart, restarts))
    return steps.build(dataset.spec)


def _evaluate_test(assignment: Assignment, dataset: Dataset, system: System, outcome: Outcome) -> Outcome:
    """Measure the test split, once, and write its pictures and sounds; return ``outcome`` with its metrics."""
    if outcome.kind != "completed" or not assignment.final_evaluators or parallel.rank() != 0:
        return outcome
    checkpoint = RunFolder(assignment.run_dir).checkpoint
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
            say=partial(_say, assignment),
        )
    _say(assignment, "writing")
    write_artifacts(assignment.run_dir, step, final.images, final.sounds)
    return replace(outcome, metrics={**outcome.metrics, **final.metrics})


def pick_device() -> torch.device:
    """This worker's GPU where there is one (the scheduler shows each process only its own), else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
