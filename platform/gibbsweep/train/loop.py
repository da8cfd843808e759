"""The one training loop. It knows batches, phases, averages, reports and checkpoints, and no model."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.precisions import Precision
from gibbsweep.train.budget import Budget
from gibbsweep.train.calibrate import calibrate
from gibbsweep.train.checkpoint import Progress, has_checkpoint, load_checkpoint, refuse_removed, save_checkpoint
from gibbsweep.train.contract import Evaluate, Evaluation, TrainingData
from gibbsweep.train.cost import Cost
from gibbsweep.train.divergence import Diverged, check_weights
from gibbsweep.train.ema import EMA
from gibbsweep.train.order import BatchOrder
from gibbsweep.train.part import WHOLE_RUN, Part
from gibbsweep.train.precision import Measured, choose_precision, synchronise
from gibbsweep.train.report import Reporter
from gibbsweep.train.streams import Stream
from gibbsweep.train.update import first_part, update
from gibbsweep_models import draws, parallel
from gibbsweep_models.types import System

INITIALISE_EXAMPLES = 10_000
"""Training examples that a system sees before its first update."""


def train(
    system: System,
    data: TrainingData,
    budget: Budget,
    *,
    report: Reporter,
    run_dir: Path,
    seed: int,
    announce: Reporter | None = None,
    evaluate: Evaluate | None = None,
    device: torch.device | str = "cpu",
    precision: Precision | Measured = "fp32",
    config: Mapping[str, Any] | None = None,
    part: Part = WHOLE_RUN,
) -> Outcome:
    """Train ``system`` in place on ``data`` for ``budget.updates`` updates, or for what is left of them if
    ``run_dir`` holds a checkpoint: k updates, a resume and k more are bit-equal to 2k on a CPU.

    Every ``budget.report_every`` updates the loop calibrates (see :mod:`gibbsweep.train.calibrate`), evaluates,
    records (``report``), saves a checkpoint, and only then calls ``announce``, by which the caller may stop or pause
    the run. Every worker announces, and a resumed run announces its checkpoint again; the numbers of ``evaluate`` are
    the first worker's. A checkpoint keeps its ``precision``.

    ``part`` says which part of the run this call trains. The outcome is ``paused`` where the part ends before the
    budget does, else ``completed`` or ``diverged``; its metrics are those of the last report. A divergence that
    ``budget.retries`` leaves room to restart from is returned unreported.
    """
    last, part_seed = part.end(budget), part.seed(seed)
    device = torch.device(device)
    rank, world_size = parallel.rank(), parallel.world_size()
    checkpoint = RunFolder(run_dir).checkpoint
    refuse_removed(checkpoint)
    order = BatchOrder(len(data), budget.batch_size, part_seed, rank=rank, world_size=world_size)
    order.check_parts(budget.accumulate)

    memory_format = _move(system, device)
    resuming = has_checkpoint(checkpoint)
    if not resuming:
        first = torch.randperm(len(data), generator=draws.seeded(seed, Stream.INITIALISATION))[:INITIALISE_EXAMPLES]
        system.initialise(data.batch(first)["x"].to(device))
    phases = system.phases()
    optimizers = [phase.build_optimizer() for phase in phases]
    ema = EMA(system, system.ema_decay)
    progress = Progress(seed=seed, config=dict(config or {}))
    if resuming:
        changed = part.continues is not None
        progress = load_checkpoint(checkpoint, system, phases, optimizers, ema, keep_settings=changed)
        _check_same_run(progress, seed, budget, part.continues if changed else config, checkpoint)
        progress.config = dict(progress.config if config is None else config)
        if announce is not None:
            announce(progress.step, progress.metrics)

    def batch_of(step: int) -> dict[str, Tensor]:
        batch = {name: t.to(device, non_blocking=True) for name, t in data.batch(order.indices(step)).items()}
        if memory_format is not None and batch["x"].ndim == 4:
            batch["x"] = batch["x"].contiguous(memory_format=memory_format)
        return batch

    if progress.precision is None:
        progress.precision = choose_precision(precision, system, first_part(batch_of(0), budget.accumulate), device)
    generator = draws.ShardedGenerator(device, rank=rank, world_size=world_size)
    cost = Cost(progress, part, budget.batch_size)
    sums: defaultdict[str, list[float]] = defaultdict(list)
    metrics = dict(progress.metrics)
    system.train()

    since = time.perf_counter()
    for step in range(progress.step, last):
        draws.reseed(generator, part_seed, Stream.UPDATES, step)
        try:
            parts = update(
                system, phases, optimizers, batch_of(step),
                step=step, updates=budget.updates, precision=progress.precision, generator=generator,
                accumulate=budget.accumulate,
            )  # fmt: skip
            ema.update(step)
            if budget.reports_at(step + 1):
                check_weights(step, phases, optimizers, ema)
        except Diverged as divergence:
            progress.device_seconds += (time.perf_counter() - since) * world_size
            parts = {f"train/{divergence.phase}/{name}": value for name, value in divergence.parts.items()}
            if len(part.restarts) >= budget.retries:
                report(step + 1, parts)
            return cost.outcome("diverged", step, metrics | parts, message=str(divergence), phase=divergence.phase)
        for name, value in parts.items():
            sums[name].append(value)
            if name.endswith("/nfe"):
                cost.add_nfe(round(value))
        if not budget.reports_at(step + 1):
            continue
        done = step + 1
        calibrate(system, ema, data, seed=seed, device=device)
        synchronise(device)
        elapsed = time.perf_counter() - since
        progress.device_seconds += elapsed * world_size
        progress.nfe = cost.nfe
        metrics = {f"train/{name}": sum(values) / len(values) for name, values in sums.items()} | cost.metrics(done)
        if budget.retries:
            metrics["train/restarts"] = len(part.restarts)
        metrics["train/updates_per_second"] = (done - progress.step) / elapsed
        evaluation = Evaluation()
        if evaluate is not None and rank == 0:
            evaluation = _evaluation_of(evaluate, system, ema, done)
            metrics |= evaluation.metrics
        progress.step, progress.metrics = done, metrics
        report(done, metrics, evaluation.images, evaluation.sounds)
        if rank == 0:
            save_checkpoint(checkpoint, system, phases, optimizers, ema, progress)
        if announce is not None:
            announce(done, metrics)
        sums.clear()
        since = time.perf_counter()
    return cost.outcome("paused" if progress.step < budget.updates else "completed", progress.step, metrics)


def _move(system: System, device: torch.device) -> torch.memory_format | None:
    """Move ``system`` to ``device``; returns the memory format of its inputs where that is not the default.

    Channels-last suits 2-D convolutions on CPUs with vector units and on tensor cores alike.
    """
    system.to(device)
    if not any(isinstance(module, nn.Conv2d) for module in system.modules()):
        return None
    system.to(memory_format=torch.channels_last)
    return torch.channels_last


def _evaluation_of(evaluate: Evaluate, system: System, ema: EMA, step: int) -> Evaluation:
    """Evaluate ``system`` with its averaged weights."""
    system.eval()
    with ema.applied(), parallel.alone():
        evaluation = evaluate(system, step)
    system.train()
    return evaluation


def _check_same_run(
    progress: Progress, seed: int, budget: Budget, config: Mapping[str, Any] | None, checkpoint: Path
) -> None:
    """Raise UserError unless the checkpoint is of the run that was asked for."""
    if progress.seed != seed:
        raise UserError(
            f"the checkpoint in {checkpoint} was trained with seed {progress.seed}, and seed {seed} was asked for: "
            "use the same seed, or choose another run folder."
        )
    if config is not None and progress.config != dict(config):
        changed = sorted(k for k in {*progress.config, *config} if progress.config.get(k) != config.get(k))
        raise UserError(
            f"the checkpoint in {checkpoint} was trained with another {', '.join(changed)}: "
            "resume with the same configuration, or choose another run folder."
        )
    if progress.step > budget.updates:
        raise UserError(
            f"the checkpoint in {checkpoint} has {progress.step} updates, more than the {budget.updates} asked for: "
            f"ask for at least {progress.step}, or choose another run folder."
        )
