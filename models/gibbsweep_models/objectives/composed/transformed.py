"""A criterion in other coordinates than the data's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gibbsweep_models.types import Batch, Loss, Objective


class Transformed(nn.Module):
    """``objective`` of the batch with ``transform(x)`` in the place of ``x`` (B, *D): data standardised or whitened for
    a system that trains on the result. ``transform`` has no parameters that this trains.

    >>> from gibbsweep_models.nn.transforms import Standardise
    >>> from gibbsweep_models.objectives.score_matching import DenoisingLoss
    >>> objective = Transformed(DenoisingLoss(), Standardise((1, 8, 8)).forward)
    """

    def __init__(self, objective: Objective, transform: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.objective = objective
        self.transform = transform

    def forward(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        with torch.no_grad():
            z = self.transform(batch["x"])
        loss: Loss = self.objective(model, {**batch, "x": z}, generator=generator)
        return loss
