"""The noise levels of Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import randn


@dataclass(frozen=True)
class EDMSchedule:
    """Sampling from ``sigma_max`` down to ``sigma_min``, evenly spaced in sigma^(1 / rho); training on a lognormal.

    ``sigma_min``, ``sigma_max`` and exp(``p_mean``) are in data units. rho between 5 and 10 is equally good, rho = 1
    wastes its steps on high noise.
    """

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0
    p_mean: float = -1.2
    p_std: float = 1.2

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max:
            raise ValueError(
                f"got sigma_min={self.sigma_min} and sigma_max={self.sigma_max}, expected 0 < sigma_min < sigma_max; "
                "correct the one that is out of order"
            )
        if self.rho <= 0 or self.p_std < 0:
            raise ValueError(
                f"got rho={self.rho} and p_std={self.p_std}, expected rho > 0 and p_std >= 0; "
                "correct the one that is out of range"
            )

    def sigmas(self, n_steps: int) -> Tensor:
        """(n_steps + 1,), descending, the last one 0 (equation 5)."""
        if n_steps < 1:
            raise ValueError(f"got n_steps={n_steps}, expected at least 1; a grid needs a first level and its final 0")
        ramp = torch.arange(n_steps, dtype=torch.float64) / max(1, n_steps - 1)
        high, low = self.sigma_max ** (1 / self.rho), self.sigma_min ** (1 / self.rho)
        levels = (high + ramp * (low - high)) ** self.rho
        return torch.cat([levels, levels.new_zeros(1)]).float()

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """(n,) training levels with ln(sigma) ~ N(p_mean, p_std²) (table 1)."""
        return torch.exp(self.p_mean + self.p_std * randn((n,), generator=generator))
