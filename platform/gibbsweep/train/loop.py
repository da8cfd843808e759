"""The one training loop. It knows batches, phases, averages, reports and checkpoints, and no model."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gibbsweep.errors import UserError
from gibbsweep.train.budget import Budget
from gibbsweep.train.checkpoint import Progress, has_checkpoint, load_checkpoint, save_checkpoint
from gibbsweep.train.divergence import Diverged
from gibbsweep.train.ema import EMA
from gibbsweep.train.order import BatchOrder
from gibbsweep.train.outcome import Outcome
from gibbsweep.train.precision import PrecisionOption, choose_precision
from gibbsweep.train.report import Images, Reporter, Sounds
from gibbsweep.train.update import first_part, update
from gibbsweep_models import draws, parallel
from gibbsweep_models.types import System

_UPDATES, _INITIALISE = 0, 2  # random streams of a run; BatchOrder has 1
INITIALISE_EXAMPLES = 10_000


class TrainingData(Protocol):
    """What the loop asks of a split of a data set."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Evaluation:
    """Numbers, pictures and sounds of a system at one moment."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    images: Images = field(default_factory=dict)
    sounds: Sounds = field(default_factory=dict)


Evaluate = Callable[[System, int], Evaluation]
"""(system with its averaged weights, updates done) -> Evaluation."""


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
    precision: PrecisionOption = "auto",
    config: Mapping[str, Any] | None = None,
) -> Outcome:
    """Train ``system`` in place on ``data`` for ``budget.updates`` updates, or for what is left of them if ``run_dir`` holds a
    checkpoint: k updates, a resume and k more are bit-equal to 2k on a CPU.

    Every ``budget.report_every`` updates it evaluates, records (``report``), saves a checkpoint, and only then tells whoever may
    stop or pause the run (``announce``, called by every worker; a resumed run announces its checkpoint again). The numbers of
    ``evaluate`` are the first worker's. Returns the outcome, completed or diverged; its metrics are the last report's.
    """
    device = torch.device(device)
    rank, world_size = parallel.rank(), parallel.world_size()
    order = BatchOrder(len(data), budget.batch_size, seed, rank=rank, world_size=world_size)
    order.check_parts(budget.accumulate)
    checkpoint = run_dir / "checkpoint"

    system.to(device)
    # Channels-last suits 2-D convolutions on CPUs with vector units and on tensor cores alike.
    layout = torch.channels_last if any(isinstance(m, nn.Conv2d) for m in system.modules()) else None
    if layout is not None:
        system.to(memory_format=layout)
    resuming = has_checkpoint(checkpoint)
    if not resuming:
        order_of_examples = torch.randperm(len(data), generator=draws.seeded(seed, _INITIALISE))
        system.initialise(data.batch(order_of_examples[:INITIALISE_EXAMPLES])["x"].to(device))
    phases = system.phases()
    optimizers = [phase.optimizer.build(phase.parameters) for phase in phases]
    ema = EMA(system, system.ema_decay)
    progress = Progress(seed=seed, config=dict(config or {}))
    if resuming:
        progress = load_checkpoint(checkpoint, system, phases, optimizers, ema)
        _check_same_run(progress, seed, budget, config, checkpoint)
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
    segment = time.perf_counter()
    for step in range(progress.step, budget.updates):
        draws.reseed(generator, seed, _UPDATES, step)
        try:
            parts = update(
                system, phases, optimizers, batch_of(step),
                step=step, updates=budget.updates, precision=chosen, generator=generator,
                accumulate=budget.accumulate,
            )  # fmt: skip
        except Diverged as divergence:
            seconds = progress.device_seconds + (time.perf_counter() - segment) * world_size
            last = {f"train/{divergence.phase}/{name}": value for name, value in divergence.parts.items()}
            report(step + 1, last)
            return Outcome("diverged", step, metrics | last, seconds, str(divergence), chosen)
        ema.update(step)
        for name, value in parts.items():
            sums[name].append(value)
        if not budget.reports_at(step + 1):
            continue
        done = step + 1
        _synchronise(device)
        elapsed = time.perf_counter() - segment
        progress.device_seconds += elapsed * world_size
        metrics = {f"train/{name}": sum(values) / len(values) for name, values in sums.items()}
        metrics["train/device_seconds"] = progress.device_seconds
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
        segment = time.perf_counter()
    return Outcome("completed", progress.step, metrics, progress.device_seconds, "", chosen)


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
