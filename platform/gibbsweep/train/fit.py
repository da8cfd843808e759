"""Fits systems without phases: a closed form, or a library's solver, that sees the training split once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.train.checkpoint import Progress, save_checkpoint
from gibbsweep.train.ema import EMA
from gibbsweep.train.report import Reporter
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws, parallel
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System

if TYPE_CHECKING:
    from gibbsweep.train.contract import Evaluate, TrainingData


def fit(
    system: System,
    data: TrainingData,
    *,
    report: Reporter,
    run_dir: Path,
    seed: int,
    announce: Reporter | None = None,
    evaluate: Evaluate | None = None,
    device: torch.device | str = "cpu",
    config: Mapping[str, Any] | None = None,
) -> Outcome:
    """Fit ``system`` (which offers :class:`~gibbsweep_models.capabilities.CanFit`) to all of ``data`` and report
    once, as step 1.

    What it learned, if anything, is the checkpoint in ``run_dir``, with its ``config``. A run that was interrupted
    fits again, to the same numbers.
    """
    if not isinstance(system, CanFit):
        raise TypeError(f"{type(system).__name__} has no fit(): train it with train()")
    device = torch.device(device)
    system.to(device)
    before = {name: tensor.detach().clone() for name, tensor in system.state_dict().items()}
    start = time.perf_counter()
    batch = {name: tensor.to(device) for name, tensor in data.batch(torch.arange(len(data))).items()}
    system.fit(batch, generator=draws.seeded(seed, Stream.FIT, device=device))
    seconds = time.perf_counter() - start
    system.eval()
    metrics = {"train/device_seconds": seconds}
    evaluation = None if evaluate is None else evaluate(system, 1)
    if evaluation is not None:
        metrics |= evaluation.metrics
        report(1, metrics, evaluation.images, evaluation.sounds)
    else:
        report(1, metrics)
    learned = system.state_dict()
    changed = any(name not in before or not torch.equal(tensor, before[name]) for name, tensor in learned.items())
    if changed and parallel.rank() == 0:
        progress = Progress(1, seed, "fp32", seconds, metrics=metrics, config=dict(config or {}))
        save_checkpoint(RunFolder(run_dir).checkpoint, system, [], [], EMA(system, 0.0), progress)
    if announce is not None:
        announce(1, metrics)
    return Outcome("completed", 1, metrics, seconds, precision="fp32", samples=len(data))
