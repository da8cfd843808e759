"""Processes whose end is unit noise: variance-preserving with a linear and a cosine schedule, and
sub-variance-preserving.

They are written for x_t = s x_0 + ... in their papers; here their sigma is the noise of x_t / s in data units.
``prior_std`` is that of unit noise over s at the end: N(0, I) there is N(0, prior_std² I) here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.noise.snr import unit_variance_scale
from gibbsweep_models.noise.timed import TimedSchedule


class UnitEnd(TimedSchedule):
    """A process with the times of its paper, in (0, 1]; at 0 there is no noise, and its logarithm has no end."""

    def _check_times(self) -> None:
        if not 0 < self.t_min < self.t_max <= 1:
            raise ValueError(
                f"got t_min={self.t_min} and t_max={self.t_max}, expected 0 < t_min < t_max <= 1; at t = 0 the noise "
                "level is 0, start above it"
            )

    @property
    def prior_std(self) -> float:
        """1 / s at the end."""
        end = torch.tensor(self.sigma_range[1], dtype=torch.float64)
        return 1.0 / float(self.scale(end))


class _LinearBeta(UnitEnd):
    """A process with beta(t) = beta_min + t (beta_max - beta_min)."""

    beta_min: float
    beta_max: float

    def _check(self) -> None:
        self._check_times()
        if not 0 < self.beta_min < self.beta_max:
            raise ValueError(
                f"got beta_min={self.beta_min} and beta_max={self.beta_max}, expected 0 < beta_min < beta_max; "
                "correct the one that is out of order"
            )

    def beta(self, t: Tensor) -> Tensor:
        """The rate of the noise."""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def _integral(self, t: Tensor) -> Tensor:
        """The integral of beta from 0 to ``t``."""
        return t * (self.beta_min + 0.5 * t * (self.beta_max - self.beta_min))

    def _time_of_integral(self, value: Tensor) -> Tensor:
        # The root of the quadratic in the form that does not subtract near values.
        root = torch.sqrt(self.beta_min**2 + 2.0 * (self.beta_max - self.beta_min) * value)
        return 2.0 * value / (self.beta_min + root)


@dataclass(frozen=True)
class VPSchedule(_LinearBeta):
    """sigma² = exp(B) - 1, s = exp(-B / 2), with B the integral of beta (Song et al. 2021, equation 11): DDPM in
    continuous time. Their training goes down to t = 1e-5, their sampling to 1e-3.

    >>> VPSchedule(t_min=1e-3).sigmas(4).shape
    torch.Size([5])
    """

    beta_min: float = 0.1
    """beta(0)."""
    beta_max: float = 20.0
    """beta(1)."""
    t_min: float = 1e-3
    """First time, of the lowest level."""
    t_max: float = 1.0
    """Last time, of the highest level."""

    def __post_init__(self) -> None:
        self._check()

    def sigma(self, t: Tensor) -> Tensor:
        return torch.expm1(self._integral(t)).sqrt()

    def time(self, sigma: Tensor) -> Tensor:
        return self._time_of_integral(torch.log1p(sigma.square()))

    def log_rate(self, t: Tensor) -> Tensor:
        return -0.5 * self.beta(t) / torch.expm1(-self._integral(t))

    def scale(self, sigma: Tensor) -> Tensor:
        return unit_variance_scale(sigma)


@dataclass(frozen=True)
class SubVPSchedule(_LinearBeta):
    """x_t = exp(-B / 2) x_0 + (1 - exp(-B)) n (Song et al. 2021, equation 13): sigma = 2 sinh(B / 2), s = exp(-B / 2).

    >>> SubVPSchedule(t_min=1e-3).sigmas(4).shape
    torch.Size([5])
    """

    beta_min: float = 0.1
    """beta(0)."""
    beta_max: float = 20.0
    """beta(1)."""
    t_min: float = 1e-3
    """First time, of the lowest level."""
    t_max: float = 1.0
    """Last time, of the highest level."""

    def __post_init__(self) -> None:
        self._check()

    def sigma(self, t: Tensor) -> Tensor:
        return 2.0 * torch.sinh(0.5 * self._integral(t))

    def time(self, sigma: Tensor) -> Tensor:
        return self._time_of_integral(2.0 * torch.asinh(0.5 * sigma))

    def log_rate(self, t: Tensor) -> Tensor:
        return 0.5 * self.beta(t) / torch.tanh(0.5 * self._integral(t))

    def scale(self, sigma: Tensor) -> Tensor:
        return torch.exp(-torch.asinh(0.5 * sigma))


@dataclass(frozen=True)
class CosineSchedule(UnitEnd):
    """alpha_bar(t) = cos²(angle(t)) / cos²(angle(0)), angle(t) = pi / 2 (t + offset) / (1 + offset), and sigma² = 1 /
    alpha_bar - 1 (Nichol & Dhariwal 2021, equation 17). At t = 1 it is infinite: they cut beta off at .999, here time
    ends at ``t_max``.

    >>> CosineSchedule().sigmas(4).shape
    torch.Size([5])
    """

    offset: float = 0.008
    """Offset of the angle, which keeps the first steps from being too small."""
    t_min: float = 1e-3
    """First time, of the lowest level."""
    t_max: float = 0.995
    """Last time, of the highest level, below 1."""

    def __post_init__(self) -> None:
        self._check_times()
        if self.offset < 0 or self.t_max >= 1:
            raise ValueError(
                f"got offset={self.offset} and t_max={self.t_max}, expected offset >= 0 and t_max < 1, where the noise "
                "is infinite; lower t_max"
            )

    def sigma(self, t: Tensor) -> Tensor:
        angle = self._angle(t)
        # cos² a - cos² b = sin(b - a) sin(b + a): nothing is lost near t = 0.
        product = torch.sin(angle - self._first) * torch.sin(angle + self._first)
        return product.sqrt() / torch.cos(angle)

    def time(self, sigma: Tensor) -> Tensor:
        sine = torch.hypot(sigma, torch.full_like(sigma, math.sin(self._first)))
        angle = torch.atan2(sine, torch.full_like(sigma, math.cos(self._first)))
        return (angle - self._first) / self._per_time

    def log_rate(self, t: Tensor) -> Tensor:
        angle = self._angle(t)
        below, above = torch.tan(angle - self._first), torch.tan(angle + self._first)
        return 0.5 * self._per_time * (1.0 / below + 1.0 / above + 2.0 * torch.tan(angle))

    def scale(self, sigma: Tensor) -> Tensor:
        return unit_variance_scale(sigma)

    def _angle(self, t: Tensor) -> Tensor:
        return self._first + self._per_time * t

    @property
    def _per_time(self) -> float:
        return 0.5 * math.pi / (1.0 + self.offset)

    @property
    def _first(self) -> float:
        return self._per_time * self.offset
