"""The noise levels of Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import randn
from gibbsweep_models.noise.timed import TimedSchedule, check_range


@dataclass(frozen=True)
class EDMSchedule(TimedSchedule):
    """Levels for sampling from ``sigma_max`` down to ``sigma_min``, evenly spaced in sigma^(1 / rho), and a lognormal
    for training (table 1).

    >>> schedule = EDMSchedule(sigma_min=0.01, sigma_max=10.0)
    >>> schedule.sigmas(4).shape, schedule.sample(3, generator=seeded(0)).shape
    (torch.Size([5]), torch.Size([3]))
    """

    sigma_min: float = 0.002
    """Lowest level of sampling, in data units."""
    sigma_max: float = 80.0
    """Highest level of sampling, in data units."""
    rho: float = 7.0
    """Spacing: between 5 and 10 it is equally good, 1 wastes its steps on high noise."""
    p_mean: float = -1.2
    """Mean of ln(sigma) in training; exp(``p_mean``) is in data units."""
    p_std: float = 1.2
    """Standard deviation of ln(sigma) in training."""

    def __post_init__(self) -> None:
        check_range(self.sigma_min, self.sigma_max)
        if self.rho <= 0 or self.p_std < 0:
            raise ValueError(
                f"got rho={self.rho} and p_std={self.p_std}, expected rho > 0 and p_std >= 0; "
                "correct the one that is out of range"
            )

    def sigma(self, t: Tensor) -> Tensor:
        """Equation 5, with t = 1 at ``sigma_max``."""
        low, high = self._roots
        return (low + t * (high - low)) ** self.rho

    def time(self, sigma: Tensor) -> Tensor:
        low, high = self._roots
        return (sigma ** (1 / self.rho) - low) / (high - low)

    def log_rate(self, t: Tensor) -> Tensor:
        low, high = self._roots
        return self.rho * (high - low) / (low + t * (high - low))

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """(n,) training levels with ln(sigma) ~ N(p_mean, p_std²) (table 1)."""
        return torch.exp(self.p_mean + self.p_std * randn((n,), generator=generator))

    def density(self, sigma: Tensor) -> Tensor:
        """The density of the lognormal."""
        if self.p_std == 0:
            raise ValueError(
                "got p_std=0, expected p_std > 0: a single training level has no density; weight its loss by sigma2 "
                "or edm"
            )
        z = (sigma.log() - self.p_mean) / self.p_std
        return torch.exp(-0.5 * z.square()) / (self.p_std * math.sqrt(2 * math.pi))

    @property
    def _roots(self) -> tuple[float, float]:
        return self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
