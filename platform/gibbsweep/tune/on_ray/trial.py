"""What runs in a trial's process: Ray Train around the training loop, in the same process or over a worker group."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ray import train as ray_train
from ray import tune
from ray.train.torch import TorchTrainer
from ray.tune.integration.ray_train import TuneReportCallback

from gibbsweep.errors import DiskFull, UserError, is_disk_full
from gibbsweep.evaluate import Evaluator
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.study.goal import Goals, as_goals
from gibbsweep.study.space import with_values
from gibbsweep.train import Budget, Images, Outcome, PrecisionOption, Reporter, Segment, Sounds, spent
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.train.exclusive import CRASHES_ALLOWED, begun, only_process
from gibbsweep.train.files import full_disk_said
from gibbsweep.train.out_of_memory import OutOfMemory, first_line, memory_of
from gibbsweep.tune.on_ray.threads import pin_threads
from gibbsweep_models.types import SystemConfig

TOLD = "told/"
"""Before the metrics of a report that the search is told beside the first goal: Tune hands a scheduler flat results alone."""

DRIVER_CPUS = 0.001
"""Of a trial whose work is done by a worker group of its own. Each of its workers leaves as much: whole CPUs then suffice wherever its
own process comes to be, and a thousand processes of trials take no worker's place."""


@dataclass(frozen=True)
class TrialContender:
    """The part of a contender that a trial needs; the study's figures and spaces stay with the driver."""

    config: SystemConfig
    budget: Budget
    search_budget: Budget
    """That of a search trial, which reports at the rungs too."""
    goal: Goals
    evaluators: tuple[Evaluator, ...]
    final_evaluators: tuple[Evaluator, ...]
    halve: tuple[str, ...] | None = None
    constrained: tuple[str, ...] = ()
    """Metrics that the search is told beside the first goal: the other goals, and what it has constraints on."""
    evolves: tuple[str, ...] = ()


@dataclass(frozen=True)
class Payload:
    """What all trials of a sweep share."""

    contenders: Mapping[str, TrialContender]
    data_root: Path | None
    validation: float
    precision: PrecisionOption
    measurements: Path
    """The folder of what "auto" measured, with a file for each contender."""
    git_commit: str
    workers: int
    echo: bool
    session: str
    """Of the driver: it tells its own attempts from those of an earlier part of the sweep."""


def tune_request(workers: int, cpus: int, gpus: float) -> tune.PlacementGroupFactory:
    """What Tune sets aside for a trial whose workers ask for ``cpus`` and ``gpus`` each: a worker group asks for its own."""
    if workers > 1:
        return tune.PlacementGroupFactory([{"CPU": DRIVER_CPUS}])
    return tune.PlacementGroupFactory([{"CPU": float(cpus)} | ({"GPU": gpus} if gpus else {})])


def run_trial(config: dict[str, Any], payload: Payload) -> None:
    """Ray Tune's trainable. ``config`` is one planned run as plain values (see :class:`gibbsweep.tune.plan.run.Planned`)."""
    assignment = assignment_of(config, payload)
    run_dir, goal = assignment.run_dir, payload.contenders[config["contender"]].goal
    try:
        with full_disk_said(run_dir), only_process(run_dir), _output_to(run_dir / "log.txt", echo=payload.echo):
            step = read_progress(run_dir / "checkpoint").step
            if begun(run_dir, payload.session, step) > CRASHES_ALLOWED + 1:
                message = f"its process ended without an outcome, {CRASHES_ALLOWED + 1} times after {step} updates: see {run_dir / 'log.txt'}"
                Outcome("failed", step, message=message, **spent(run_dir)).write(run_dir)
                return
            try:
                fit(
                    assignment,
                    as_goals(goal)[0].metric,
                    workers=payload.workers,
                    cpus_per_worker=config["cpus"],
                    gpus_per_worker=config["gpus"],
                    in_tune=True,
                )
            except DiskFull:
                raise
            except UserError as error:  # true of this run alone: the driver has checked what all of them share
                print(f"error: {error}", file=sys.stderr)
                Outcome("failed", step=-1, message=str(error)).write(run_dir)
    except DiskFull as full:  # no file can say so
        _send_to_tune({"goal": math.nan, DISK_FULL: str(full)})


def assignment_of(config: dict[str, Any], payload: Payload) -> Assignment:
    """What a planned run, as plain values, has to do."""
    contender = payload.contenders[config["contender"]]
    search = config["kind"] == "search"
    # What replays a schedule reports where its segments meet, and may restart.
    budget = replace(contender.search_budget, retries=(contender.search_budget if search else contender.budget).retries)
    schedule = tuple(Segment(s["start"], s["values"], tuple(s["stream"])) for s in config.get("schedule", ()))
    return Assignment(
        name=config["name"],
        contender=config["contender"],
        kind=config["kind"],
        config=contender.config if schedule else with_values(contender.config, config["values"]),
        seed=config["seed"],
        data=config["data"],
        budget=budget if search or schedule else contender.budget,
        run_dir=Path(config["run_dir"]),
        data_root=payload.data_root,
        validation=payload.validation,
        evaluators=contender.evaluators,
        final_evaluators=() if search else contender.final_evaluators,
        precision=payload.precision,
        measurements=payload.measurements / f"{config['contender']}.json",
        git_commit=payload.git_commit,
        searched=config["values"],
        goal=contender.goal,
        until=config["runs_to"],
        halve=contender.halve,
        constrained=contender.constrained,
        packed=True,
        front=config["front"],
        schedule=schedule,
        evolves=contender.evolves,
        replays=config.get("replays"),
    )


def fit(
    assignment: Assignment,
    goal_metric: str,
    *,
    workers: int,
    gpus_per_worker: float,
    in_tune: bool,
    cpus_per_worker: int = 1,
    watch: Reporter | None = None,
) -> Outcome:
    """Run ``assignment`` under a TorchTrainer: in this process for one worker (a worker group of its own would cost tens of
    seconds), over a worker group for more."""
    loop = {"assignment": assignment, "goal_metric": goal_metric, "in_tune": in_tune, "watch": watch}
    if workers == 1:
        trainer = TorchTrainer(
            _loop,
            train_loop_config=loop,
            scaling_config=ray_train.ScalingConfig(num_workers=0, use_gpu=gpus_per_worker > 0),
        )
    else:
        resources = {"CPU": cpus_per_worker - DRIVER_CPUS} | ({"GPU": gpus_per_worker} if gpus_per_worker else {})
        trainer = TorchTrainer(
            _loop,
            train_loop_config=loop | {"grouped": True},
            scaling_config=ray_train.ScalingConfig(
                num_workers=workers, use_gpu=gpus_per_worker > 0, resources_per_worker=resources
            ),
            run_config=ray_train.RunConfig(
                name="train",
                storage_path=str(assignment.run_dir.absolute() / "ray"),
                callbacks=[TuneReportCallback()] if in_tune else [],  # type: ignore[no-untyped-call, list-item]
            ),
        )
    failure: ray_train.TrainingFailedError | None = None
    try:
        trainer.fit()
    except ray_train.TrainingFailedError as error:
        failure = error
    if failure is not None and is_disk_full(failure):
        raise failure
    outcome = Outcome.read(assignment.run_dir) or Outcome.read(assignment.run_dir, paused=True)
    memory = None if failure is None else memory_of(failure)
    if outcome is None and failure is not None and memory is not None:
        raise OutOfMemory(memory, first_line(failure)) from failure
    if outcome is None and failure is not None:
        raise failure
    if outcome is None:
        raise RuntimeError(f"run {assignment.name} ended without an outcome: see {assignment.run_dir / 'log.txt'}")
    return outcome


def _loop(config: dict[str, Any]) -> None:
    assignment: Assignment = config["assignment"]
    grouped = config.get("grouped", False)
    pin_threads()
    send = _send_to_train if grouped else _send_to_tune if config["in_tune"] else None

    def announce(
        step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        if send is not None:
            told = {f"{TOLD}{metric}": metrics[metric] for metric in assignment.constrained if metric in metrics}
            # With what the driver shows of a run that has not ended.
            spent = {name: metrics[name] for name in ("train/device_seconds", "train/restarts") if name in metrics}
            goal = metrics.get(config["goal_metric"], math.nan)
            send({"step": step, "goal": goal, **told, **spent})

    run(assignment, announce=announce, watch=config["watch"])


def _send_to_train(metrics: dict[str, Any]) -> None:
    ray_train.report(metrics)


def _send_to_tune(metrics: dict[str, Any]) -> None:
    tune.report(metrics)


@contextlib.contextmanager
def _output_to(path: Path, *, echo: bool) -> Iterator[None]:
    """Inside, what this process prints, C libraries included, is appended to ``path``; with ``echo`` it stays where it was."""
    if echo:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = os.dup(1), os.dup(2)
    with open(path, "ab", buffering=0) as file:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:  # a full disk takes no more of the log, and the process lives on
            for target, original in zip((1, 2), saved, strict=True):
                os.dup2(original, target)
                os.close(original)


DISK_FULL = "disk_full"
"""In a report: its run found no space, and which."""
