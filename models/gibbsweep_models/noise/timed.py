"""Noise levels as a function of time."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from gibbsweep_models.draws import rand
from gibbsweep_models.types import NoiseSchedule


class TimedSchedule(ABC):
    """A schedule given by sigma(t), increasing in t from ``t_min`` to ``t_max``.

    The process is x_t = s(t) (x_0 + sigma(t) n). This package works on x_t / s(t), where every process is x_0 + sigma
    n, and processes differ only in the levels they visit, how often they train on each, and what they take for the
    noise of their end (``prior_std``). Grids are even in t; training levels are uniform in t. Tensors may have any
    shape and float type.
    """

    @property
    def t_min(self) -> float:
        return 0.0

    @property
    def t_max(self) -> float:
        return 1.0

    @abstractmethod
    def sigma(self, t: Tensor) -> Tensor:
        """The noise level at time ``t``, in data units."""

    @abstractmethod
    def time(self, sigma: Tensor) -> Tensor:
        """The inverse of :meth:`sigma`."""

    @abstractmethod
    def log_rate(self, t: Tensor) -> Tensor:
        """d ln(sigma) / dt."""

    def scale(self, sigma: Tensor) -> Tensor:
        """s, by which the published process multiplies what is x_0 + sigma n here: 1 where variance explodes."""
        return torch.ones_like(sigma)

    def sigmas(self, n_steps: int) -> Tensor:
        """The grid (n_steps + 1,), descending, the last one 0."""
        if n_steps < 1:
            raise ValueError(f"got n_steps={n_steps}, expected at least 1; a grid needs a first level and its final 0")
        ramp = torch.arange(n_steps, dtype=torch.float64) / max(1, n_steps - 1)
        levels = self.sigma(self.t_max + ramp * (self.t_min - self.t_max))
        return torch.cat([levels, levels.new_zeros(1)]).float()

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Training levels (n,), of times uniform in [t_min, t_max)."""
        return self.sigma(self.t_min + (self.t_max - self.t_min) * rand((n,), generator=generator))

    def density(self, sigma: Tensor) -> Tensor:
        """The probability density of ln(sigma) under :meth:`sample`."""
        return 1.0 / ((self.t_max - self.t_min) * self.log_rate(self.time(sigma)))

    @property
    def sigma_range(self) -> tuple[float, float]:
        """The lowest and the highest level."""
        low, high = self.sigma(torch.tensor([self.t_min, self.t_max], dtype=torch.float64)).tolist()
        return low, high

    @property
    def prior_std(self) -> float:
        """The standard deviation of the noise that the process is taken to end in, over that of x_0 + sigma n:
        sigma_max where variance explodes; where unit noise is the end, that of unit noise."""
        return self.sigma_range[1]


def prior_std(schedule: NoiseSchedule) -> float:
    """``prior_std`` of a :class:`TimedSchedule`; the highest level of any other schedule."""
    return schedule.prior_std if isinstance(schedule, TimedSchedule) else float(schedule.sigmas(1)[0])


def check_range(sigma_min: float, sigma_max: float) -> None:
    """Refuse a lowest and a highest level that are no range."""
    if not 0 < sigma_min < sigma_max:
        raise ValueError(
            f"got sigma_min={sigma_min} and sigma_max={sigma_max}, expected 0 < sigma_min < sigma_max; "
            "correct the one that is out of order"
        )


def levels(schedule: NoiseSchedule, n_steps: int) -> list[float]:
    """The ``n_steps`` + 1 levels of a sampler, descending to 0, or an error that says where they do not."""
    sigmas = schedule.sigmas(n_steps)
    if sigmas.shape != (n_steps + 1,):
        raise ValueError(
            f"got {tuple(sigmas.shape)} noise levels, expected ({n_steps + 1},): n_steps levels and the final 0; "
            f"correct {type(schedule).__name__}.sigmas"
        )
    if float(sigmas[-1]) != 0:
        raise ValueError(
            f"got a schedule that ends at sigma={float(sigmas[-1]):.4g}, expected 0: what it returns would still be "
            f"noisy; append a 0 in {type(schedule).__name__}.sigmas"
        )
    if not bool(torch.isfinite(sigmas).all()) or bool((sigmas.diff() >= 0).any()):
        raise ValueError(
            f"got noise levels that do not descend strictly ({float(sigmas[0]):.4g} to 0); correct "
            f"{type(schedule).__name__}, or take fewer steps where neighbours round to one number"
        )
    return [float(sigma) for sigma in sigmas]
