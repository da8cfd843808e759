"""The one training loop. It knows batches, phases, averages, reports and checkpoints, and no model."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gibbsweep.errors import UserError
from gibbsweep.train.budget import Budget
from gibbsweep.train.calibrate import calibrate
from gibbsweep.train.checkpoint import Progress, has_checkpoint, load_checkpoint, refuse_removed, save_checkpoint
from gibbsweep.train.contract import Evaluate, Evaluation, TrainingData
from gibbsweep.train.divergence import Diverged, check_weights
from gibbsweep.train.ema import EMA
from gibbsweep.train.order import BatchOrder
from gibbsweep.train.outcome import Outcome, OutcomeKind
from gibbsweep.train.precision import Measured, Precision, choose_precision
from gibbsweep.train.report import Reporter
from gibbsweep.train.restarts import Restart, seed_after
from gibbsweep.train.segment import Segment
from gibbsweep.train.streams import Stream
from gibbsweep.train.update import first_part, update
from gibbsweep_models import draws, parallel
from gibbsweep_models.types import System

INITIALISE_EXAMPLES = 10_000


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
    until: int | None = None,
    restarts: Sequence[Restart] = (),
    segment: Segment | None = None,
    before: Mapping[str, Any] | None = None,
) -> Outcome:
    """Train ``system`` in place on ``data`` for ``budget.updates`` updates, or for what is left of them if ``run_dir`` holds a
    checkpoint: k updates, a resume and k more are bit-equal to 2k on a CPU.

    Every ``budget.report_every`` updates it calibrates (see :mod:`gibbsweep.train.calibrate`), evaluates, records (``report``), saves a checkpoint, and only then tells whoever may
    stop or pause the run (``announce``, called by every worker; a resumed run announces its checkpoint again). The numbers of
    ``evaluate`` are the first worker's. ``until``: stop after so many updates (at a report), and return a ``paused`` outcome.
    Otherwise it is completed or diverged; its metrics are the last report's. A checkpoint keeps its ``precision``.

    ``restarts`` are the divergences that this run has behind it, whoever calls has read from ``run_dir`` and has built
    ``system`` with the smaller steps of the last one; the order of the data and the noise follow another seed after each. A
    divergence that ``budget.retries`` leaves room to restart from is returned unreported.

    ``segment``: the part of a run that this is, whose ``values`` ``system`` was built with and whose stream is drawn from. ``before``: the
    configuration that the checkpoint was trained with, where the segment begins at it: weights and the optimisers' moments are taken
    from it, the optimisers' settings (decay, momentum) from ``system``.
    """
    last = budget.updates if until is None else min(until, budget.updates)
    if not budget.reports_at(last):
        raise ValueError(
            f"got until={until}, expected updates after which {budget} reports: a pause needs a checkpoint"
        )
    device = torch.device(device)
    rank, world_size = parallel.rank(), parallel.world_size()
    own_seed = seed_after(seed if segment is None else segment.seed(seed), len(restarts))
    order = BatchOrder(len(data), budget.batch_size, own_seed, rank=rank, world_size=world_size)
    order.check_parts(budget.accumulate)
    checkpoint = run_dir / "checkpoint"
    refuse_removed(checkpoint)

    system.to(device)
    # Channels-last suits 2-D convolutions on CPUs with vector units and on tensor cores alike.
    layout = torch.channels_last if any(isinstance(m, nn.Conv2d) for m in system.modules()) else None
    if layout is not None:
        system.to(memory_format=layout)
    resuming = has_checkpoint(checkpoint)
    if not resuming:
        order_of_examples = torch.randperm(len(data), generator=draws.seeded(seed, Stream.INITIALISATION))
        system.initialise(data.batch(order_of_examples[:INITIALISE_EXAMPLES])["x"].to(device))
    phases = system.phases()
    optimizers = [phase.optimizer.build(phase.parameters) for phase in phases]
    ema = EMA(system, system.ema_decay)
    progress = Progress(seed=seed, config=dict(config or {}))
    if resuming:
        progress = load_checkpoint(checkpoint, system, phases, optimizers, ema, own_settings=before is not None)
        _check_same_run(progress, seed, budget, config if before is None else before, checkpoint)
        progress.config = dict(progress.config if config is None else config)
        if announce is not None:
            announce(progress.step, progress.metrics)

    def batch_of(step: int) -> dict[str, Tensor]:
        batch = {name: t.to(device, non_blocking=True) for name, t in data.batch(order.indices(step)).items()}
        if layout is not None and batch["x"].ndim == 4:
            batch["x"] = batch["x"].contiguous(memory_format=layout)
        return batch

    chosen = progress.precision or choose_precision(
        precision, system, first_part(batch_of(0), budget.accumulate), device
    )
    progress.precision = chosen
    generator = draws.ShardedGenerator(device, rank=rank, world_size=world_size)
    sums: defaultdict[str, list[float]] = defaultdict(list)
    metrics = dict(progress.metrics)
    system.train()
    nfe = progress.nfe
    lost_seconds = sum(restart.lost_seconds for restart in restarts)
    lost_updates = sum(restart.step - restart.resumed_at for restart in restarts)

    def samples(step: int) -> int:
        return (step - progress.elsewhere + lost_updates) * budget.batch_size

    def evaluations() -> int | None:
        return _added(nfe, *(restart.lost_nfe for restart in restarts))

    def ended(outcome: OutcomeKind, step: int, metrics: dict[str, float], seconds: float) -> Outcome:
        return Outcome(
            outcome, step, metrics, seconds + lost_seconds, precision=chosen,
            samples=samples(step), nfe=evaluations(), restarts=tuple(restarts),
        )  # fmt: skip

    since = time.perf_counter()
    for step in range(progress.step, last):
        draws.reseed(generator, own_seed, Stream.UPDATES, step)
        try:
            parts = update(
                system, phases, optimizers, batch_of(step),
                step=step, updates=budget.updates, precision=chosen, generator=generator,
                accumulate=budget.accumulate,
            )  # fmt: skip
            ema.update(step)
            if budget.reports_at(step + 1):
                check_weights(step, phases, optimizers, ema)
        except Diverged as divergence:
            seconds = progress.device_seconds + (time.perf_counter() - since) * world_size
            parts = {f"train/{divergence.phase}/{name}": value for name, value in divergence.parts.items()}
            if len(restarts) >= budget.retries:
                report(step + 1, parts)
            outcome = ended("diverged", step, metrics | parts, seconds)
            return replace(outcome, message=str(divergence), phase=divergence.phase)
        for name, value in parts.items():
            sums[name].append(value)
            if name.endswith("/nfe"):
                nfe = _added(nfe, round(value))
        if not budget.reports_at(step + 1):
            continue
        done = step + 1
        calibrate(system, ema, data, seed=seed, device=device)
        _synchronise(device)
        elapsed = time.perf_counter() - since
        progress.device_seconds += elapsed * world_size
        progress.nfe = nfe
        metrics = {f"train/{name}": sum(values) / len(values) for name, values in sums.items()}
        metrics["train/device_seconds"] = progress.device_seconds + lost_seconds
        metrics["train/samples"] = samples(done)
        if (count := evaluations()) is not None:
            metrics["train/nfe"] = count
        if budget.retries:
            metrics["train/restarts"] = len(restarts)
        metrics["train/updates_per_second"] = (done - progress.step) / elapsed
        evaluation = Evaluation()
        if evaluate is not None and rank == 0:
            evaluation = _evaluated(evaluate, system, ema, done)
            metrics |= evaluation.metrics
        progress.step, progress.metrics = done, metrics
        report(done, metrics, evaluation.images, evaluation.sounds)
        if rank == 0:
            save_checkpoint(checkpoint, system, phases, optimizers, ema, progress)
        if announce is not None:
            announce(done, metrics)
        sums.clear()
        since = time.perf_counter()
    kind: OutcomeKind = "paused" if progress.step < budget.updates else "completed"
    return ended(kind, progress.step, metrics, progress.device_seconds)


def _added(*counts: int | None) -> int | None:
    """Their sum; None where nothing was counted."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _evaluated(evaluate: Evaluate, system: System, ema: EMA, step: int) -> Evaluation:
    system.eval()
    with ema.applied(), parallel.alone():
        evaluation = evaluate(system, step)
    system.train()
    return evaluation


def _check_same_run(
    progress: Progress, seed: int, budget: Budget, config: Mapping[str, Any] | None, checkpoint: Path
) -> None:
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


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
