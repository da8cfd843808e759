"""The straight path of flow matching."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.noise.vp import UnitEnd


@dataclass(frozen=True)
class LinearSchedule(UnitEnd):
    """x_t = (1 - t) x_0 + t n (Lipman et al. 2023, "Flow Matching for Generative Modeling"; Liu et al. 2023, "Flow
    Straight and Fast"): s = 1 - t and sigma = t / (1 - t).

    ln(sigma) is the logit of t, so times that are logit-normal (Esser et al. 2024) are the lognormal levels of an
    :class:`~gibbsweep_models.noise.edm.EDMSchedule`; here times are uniform. Euler's step from level to level is the
    same in x_t and t as in x_t / s and sigma. Their data is at t = 1 and their noise at t = 0.

    >>> LinearSchedule().sigmas(4).shape
    torch.Size([5])
    """

    t_min: float = 1e-3
    """First time, of the lowest level."""
    t_max: float = 0.995
    """Last time, of the highest level, below 1, where it is infinite."""

    def __post_init__(self) -> None:
        self._check_times()
        if self.t_max >= 1:
            raise ValueError(f"got t_max={self.t_max}, expected t_max < 1, where the noise is infinite; lower t_max")

    def sigma(self, t: Tensor) -> Tensor:
        return t / (1.0 - t)

    def time(self, sigma: Tensor) -> Tensor:
        return sigma / (1.0 + sigma)

    def log_rate(self, t: Tensor) -> Tensor:
        return 1.0 / (t * (1.0 - t))

    def scale(self, sigma: Tensor) -> Tensor:
        return torch.reciprocal(1.0 + sigma)
