"""A generator that is as good as a generator can be."""

from __future__ import annotations

import torch

from gibbsweep_models.draws import rand
from gibbsweep_models.types import Samples, System, Trace


class DataItself(System):
    """Samples are training examples: as good as a generator can be, and better than it may."""

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        self.x = x

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        places = torch.randperm(len(self.x), generator=generator)[:n]
        return Samples(self.x[places], nfe=1)

    def replayed(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        return 2 * rand((n, *self.x.shape[1:]), generator=generator) - 1
