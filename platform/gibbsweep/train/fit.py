"""Fits systems without phases: a closed form, or a library's solver, that sees the training split once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from gibbsweep.folder import Outcome
from gibbsweep.train.report import Reporter
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import System

if TYPE_CHECKING:
    from gibbsweep.train.contract import Evaluate, TrainingData


def fit(
    system: System,
    data: TrainingData,
    *,
    report: Reporter,
    seed: int,
    announce: Reporter | None = None,
    evaluate: Evaluate | None = None,
    device: torch.device | str = "cpu",
) -> Outcome:
    """Fit ``system`` (which offers :class:`~gibbsweep_models.capabilities.CanFit`) to all of ``data`` and report
    once, as step 1.

    There is no checkpoint: a run that was interrupted fits again, to the same numbers.
    """
    if not isinstance(system, CanFit):
        raise TypeError(f"{type(system).__name__} has no fit(): train it with train()")
    device = torch.device(device)
    system.to(device)
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
    if announce is not None:
        announce(1, metrics)
    return Outcome("completed", 1, metrics, seconds, precision="fp32", samples=len(data))
