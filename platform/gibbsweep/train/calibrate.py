"""Calibrates a system before each report: it sees training examples with the weights that are evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from gibbsweep.errors import UserError
from gibbsweep.train.ema import EMA
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws, parallel
from gibbsweep_models.capabilities import CanCalibrate
from gibbsweep_models.types import System

if TYPE_CHECKING:
    from gibbsweep.train.contract import TrainingData


def calibrate(system: System, ema: EMA, data: TrainingData, *, seed: int, device: torch.device) -> None:
    """Show a system that asks for them training examples, the same at every report, with its averaged weights.

    Every worker calls this; the first one, which evaluates and saves, calibrates. Raises UserError where the data set
    has fewer examples than the system asks for.
    """
    if not isinstance(system, CanCalibrate) or not system.calibration_examples:
        return
    n = system.calibration_examples
    if n > len(data):
        raise UserError(
            f"{type(system).__name__} is calibrated on {n} training examples, and there are {len(data)}: ask for fewer "
            "(n_examples in its configuration), or choose a larger data set."
        )
    if parallel.rank() > 0:
        return
    chosen = torch.randperm(len(data), generator=draws.seeded(seed, Stream.CALIBRATION))[:n]
    system.eval()
    with ema.applied(), parallel.alone():
        x = data.batch(chosen)["x"].to(device)
        system.calibrate(x, generator=draws.seeded(seed, Stream.CALIBRATION, device=device))
    system.train()
