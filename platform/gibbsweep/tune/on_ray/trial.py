"""The code of a trial's process: Ray Train around the training loop, in the same process or over a worker group."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import train as ray_train
from ray import tune
from ray.train.torch import TorchTrainer
from ray.tune.integration.ray_train import TuneReportCallback

from gibbsweep.errors import DiskFull, UserError, is_disk_full
from gibbsweep.folder import Outcome, RunFolder, disk_full_as_error, only_process, spent
from gibbsweep.folder.process import CRASHES_ALLOWED, count_start
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train import Images, Reporter, Sounds
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.train.out_of_memory import OutOfMemory, causes, first_line, memory_of
from gibbsweep.tune.on_ray.same_folder import NotTheSame, check_same
from gibbsweep.tune.on_ray.threads import pin_threads

ANNOUNCED = "announced/"
"""Prefix of the metrics in a report to Tune that the search hears; Tune passes only flat results to a scheduler."""

DRIVER_CPUS = 0.001
"""CPUs reserved for the process that only supervises a worker group. Each worker asks for that much less than a whole
CPU, so that workers and supervisor still fit whole CPUs on one node, and a thousand supervisors take no worker's
place."""


@dataclass(frozen=True)
class Payload:
    """What all trials of a sweep share beside their assignments."""

    workers: int
    """Workers of each trial."""
    echo: bool
    """Whether trials print to the terminal instead of their logs."""
    session: str
    """Names the driver, so that it tells its own attempts from those of an earlier part of the sweep, and a trial the
    driver's folder from another one of that name."""
    patience_s: float = 0.0
    """Seconds for which a trial looks for the driver's sign in its folder."""


@dataclass(frozen=True)
class Sign:
    """The sign by which a process knows the driver's folder: ``Sign(session="4f1c", patience_s=60.0)``."""

    session: str
    """The name of the driver's session."""
    patience_s: float
    """Seconds for which it is looked for."""


def tune_request(workers: int, cpus: int, gpus: float) -> tune.PlacementGroupFactory:
    """The resources that Tune reserves for a trial whose workers ask for ``cpus`` and ``gpus`` each. A worker group
    reserves its own."""
    if workers > 1:
        return tune.PlacementGroupFactory([{"CPU": DRIVER_CPUS}])
    return tune.PlacementGroupFactory([{"CPU": float(cpus)} | ({"GPU": gpus} if gpus else {})])


def run_trial(config: dict[str, Any], payload: Payload) -> None:
    """Ray Tune's trainable. ``config`` holds one run's assignment, and the CPUs and GPUs of each of its workers."""
    assignment: Assignment = config["assignment"]
    run_dir = assignment.run_dir
    folder = RunFolder(run_dir)
    sign = Sign(payload.session, payload.patience_s)
    try:
        check_same(run_dir, sign.session, sign.patience_s)
        with disk_full_as_error(run_dir), only_process(run_dir), _output_to(folder.log, echo=payload.echo):
            step = read_progress(folder.checkpoint).step
            if count_start(run_dir, payload.session, step) > CRASHES_ALLOWED + 1:
                message = (
                    f"its process ended without an outcome, {CRASHES_ALLOWED + 1} times after {step} updates: "
                    f"see {folder.log}"
                )
                Outcome("failed", step, message=message, **spent(run_dir)).write_first(run_dir)
                return
            try:
                fit(
                    assignment,
                    workers=payload.workers,
                    cpus_per_worker=config["cpus"],
                    gpus_per_worker=config["gpus"],
                    in_tune=True,
                    sign=sign,
                )
            except (DiskFull, NotTheSame):
                raise
            except UserError as error:  # about this run alone: the driver has checked what all runs share
                print(f"error: {error}", file=sys.stderr)
                Outcome("failed", step=-1, message=str(error)).write_first(run_dir)
    except NotTheSame as other:  # what it wrote would be seen by nobody, so the report says it
        _send_to_tune({NOT_THE_SAME: str(other)})
    except DiskFull as full:  # no file can be written, so the report says it
        _send_to_tune({DISK_FULL: str(full)})


def fit(
    assignment: Assignment,
    *,
    workers: int,
    gpus_per_worker: float,
    in_tune: bool,
    cpus_per_worker: int = 1,
    watch: Reporter | None = None,
    sign: Sign | None = None,
) -> Outcome:
    """Run ``assignment`` under a TorchTrainer: in this process for one worker (a worker group would cost tens of
    seconds), over a worker group for more, each of which looks for the driver's ``sign`` in its folder. Raises
    OutOfMemory if memory ran out, NotTheSame if a worker has another folder, and the trainer's error if a disk is full
    or if another failure left no outcome."""
    loop = {"assignment": assignment, "in_tune": in_tune, "watch": watch, "sign": sign}
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
                storage_path=str(RunFolder(assignment.run_dir).ray.absolute()),
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
    elsewhere = next((one for one in causes(failure) if isinstance(one, NotTheSame)), None) if failure else None
    if elsewhere is not None:
        raise elsewhere
    outcome = Outcome.read(assignment.run_dir) or Outcome.read(assignment.run_dir, paused=True)
    memory = None if failure is None else memory_of(failure)
    if outcome is None and failure is not None and memory is not None:
        raise OutOfMemory(memory, first_line(failure)) from failure
    if outcome is None and failure is not None:
        raise failure
    if outcome is None:
        raise RuntimeError(f"run {assignment.name} ended without an outcome: see {RunFolder(assignment.run_dir).log}")
    return outcome


def _loop(config: dict[str, Any]) -> None:
    assignment: Assignment = config["assignment"]
    grouped, sign = config.get("grouped", False), config.get("sign")
    if grouped and sign is not None:
        check_same(assignment.run_dir, sign.session, sign.patience_s)
    pin_threads()
    send = _send_to_train if grouped else _send_to_tune if config["in_tune"] else None

    def announce(
        step: int, metrics: Mapping[str, float], images: Images | None = None, sounds: Sounds | None = None
    ) -> None:
        if send is not None:
            announced = {
                f"{ANNOUNCED}{metric}": metrics[metric] for metric in assignment.announced if metric in metrics
            }
            # The driver shows these two while the run has not ended.
            spent = {name: metrics[name] for name in ("train/device_seconds", "train/restarts") if name in metrics}
            send({"step": step, **announced, **spent})

    run(assignment, announce=announce, watch=config["watch"])


def _send_to_train(metrics: dict[str, Any]) -> None:
    ray_train.report(metrics)


def _send_to_tune(metrics: dict[str, Any]) -> None:
    tune.report(metrics)


@contextlib.contextmanager
def _output_to(path: Path, *, echo: bool) -> Iterator[None]:
    """Inside, append what this process prints, including C libraries, to ``path``; with ``echo`` it is printed as
    usual."""
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
        finally:  # on a full disk flushing fails, and the process must go on
            for target, original in zip((1, 2), saved, strict=True):
                os.dup2(original, target)
                os.close(original)


NOT_THE_SAME = "not_the_same_folder"
"""Key of a report to Tune whose run found another folder than the driver's; its value is the message."""
DISK_FULL = "disk_full"
"""Key of a report to Tune whose run found no space on a disk; its value is the message."""
