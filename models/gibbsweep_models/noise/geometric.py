"""Noise levels that are even in their logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.noise.timed import TimedSchedule, check_range


@dataclass(frozen=True)
class GeometricSchedule(TimedSchedule):
    """sigma(t) = sigma_min (sigma_max / sigma_min)^t: from ``sigma_max`` down to ``sigma_min`` in equal ratios (Song &
    Ermon 2019, section 4.2), then 0; training levels are log-uniform between the two. It is the variance-exploding SDE
    of Song et al. (2021), whose g(t)² = d sigma² / dt.

    >>> GeometricSchedule(0.01, 1.0).sigmas(3)
    tensor([1.0000, 0.1000, 0.0100, 0.0000])
    """

    sigma_min: float = 0.01
    """Lowest level, in data units."""
    sigma_max: float = 1.0
    """Highest level, in data units."""

    def __post_init__(self) -> None:
        check_range(self.sigma_min, self.sigma_max)

    def sigma(self, t: Tensor) -> Tensor:
        return self.sigma_min * torch.exp(self._log_ratio * t)

    def time(self, sigma: Tensor) -> Tensor:
        return torch.log(sigma / self.sigma_min) / self._log_ratio

    def log_rate(self, t: Tensor) -> Tensor:
        return torch.full_like(t, self._log_ratio)

    @property
    def _log_ratio(self) -> float:
        return math.log(self.sigma_max / self.sigma_min)
