"""Noise levels that are even in their logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import rand


@dataclass(frozen=True)
class GeometricSchedule:
    """From ``sigma_max`` down to ``sigma_min`` in equal ratios (Song & Ermon 2019, section 4.2), then 0; training levels are
    log-uniform between the two."""

    sigma_min: float = 0.01
    sigma_max: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            raise ValueError(
                f"got sigma_min={self.sigma_min} and sigma_max={self.sigma_max}, expected 0 < sigma_min < sigma_max; "
                "correct the one that is out of order"
            )

    def sigmas(self, n_steps: int) -> Tensor:
        """(n_steps + 1,), descending, the last one 0."""
        if n_steps < 1:
            raise ValueError(f"got n_steps={n_steps}, expected at least 1; a grid needs a first level and its final 0")
        ramp = torch.arange(n_steps, dtype=torch.float64) / max(1, n_steps - 1)
        levels = self.sigma_max * (self.sigma_min / self.sigma_max) ** ramp
        return torch.cat([levels, levels.new_zeros(1)]).float()

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """(n,) levels, their logarithm uniform."""
        return self.sigma_min * torch.exp(math.log(self.sigma_max / self.sigma_min) * rand((n,), generator=generator))
