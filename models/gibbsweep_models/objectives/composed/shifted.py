"""A criterion of examples at random places."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gibbsweep_models.nn.transforms.shift import random_shift
from gibbsweep_models.types import Batch, Loss, Objective


class Shifted(nn.Module):
    """``objective`` of a batch whose examples were shifted at random, by at most ``largest`` places each
    (:func:`~gibbsweep_models.nn.transforms.shift.random_shift`).

    >>> from gibbsweep_models.objectives.score_matching import DenoisingLoss
    >>> objective = Shifted(DenoisingLoss(), largest=2)
    """

    def __init__(self, objective: Objective, largest: int) -> None:
        super().__init__()
        self.objective = objective
        self.largest = largest

    def forward(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        x = random_shift(batch["x"], self.largest, generator=generator)
        loss: Loss = self.objective(model, {**batch, "x": x}, generator=generator)
        return loss
