"""An objective on a part of the batch, where it costs more than the others of its phase."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from gibbsweep_models.types import Batch, Loss, Objective


class EveryNth(nn.Module):
    """``objective`` on every ``n``-th example of the batch: an unbiased estimate at 1 / n of the cost (a Langevin chain
    costs dozens of gradients, a label one).

    The examples are 0, n, 2n, ..., so a batch cut into shares of a multiple of n gives the workers what one would have.

    >>> from gibbsweep_models.objectives.cd import LangevinCD
    >>> objective = EveryNth(LangevinCD().objective((1, 8, 8)), n=4)
    """

    def __init__(self, objective: Objective, n: int) -> None:
        super().__init__()
        if n < 1:
            raise ValueError(f"got n={n}, expected at least 1; 1 is the whole batch")
        self.objective = objective  # a module where it keeps state
        self.n = n

    def forward(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        size = len(batch["x"])
        if size % self.n:
            raise ValueError(
                f"got a worker's batch of {size} examples and n={self.n}, expected a multiple of n, or workers would "
                "not add up to one; change the batch size or n"
            )
        return self.objective(model, {name: value[:: self.n] for name, value in batch.items()}, generator=generator)
