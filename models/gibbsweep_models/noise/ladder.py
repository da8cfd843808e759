"""Noise levels that are a fixed, finite list."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import randint
from gibbsweep_models.noise.ncsnv2 import levels_between, ratio_of_overlap
from gibbsweep_models.noise.snr import sigma_of_alpha_bar, unit_variance_scale
from gibbsweep_models.noise.timed import TimedSchedule, check_range


class Ladder(TimedSchedule):
    """A schedule whose training levels are drawn from :meth:`rungs`. Time is the number of the rung over that of the
    last one; between rungs ln(sigma) is a straight line, so a sampler with fewer or more steps than rungs has a
    grid."""

    @abstractmethod
    def rungs(self) -> Tensor:
        """The levels (n_levels,), ascending, float64."""

    def sigma(self, t: Tensor) -> Tensor:
        log, low = self._segment(t)
        return torch.lerp(log[low], log[low + 1], t * (len(log) - 1) - low).exp()

    def time(self, sigma: Tensor) -> Tensor:
        log = self._log(sigma)
        value = sigma.log()
        low = (torch.searchsorted(log, value.contiguous(), right=True) - 1).clamp(0, len(log) - 2)
        return (low + (value - log[low]) / (log[low + 1] - log[low])) / (len(log) - 1)

    def log_rate(self, t: Tensor) -> Tensor:
        log, low = self._segment(t)
        return (log[low + 1] - log[low]) * (len(log) - 1)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """(n,), each rung as likely as any other."""
        rungs = self.rungs().float().to(generator.device)
        return rungs[randint(len(rungs), (n,), generator=generator)]

    def _log(self, like: Tensor) -> Tensor:
        return self.rungs().log().to(like)

    def _segment(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The logarithms of the rungs and, for each time, the number of the rung below."""
        log = self._log(t)
        return log, (t * (len(log) - 1)).long().clamp(0, len(log) - 2)


@dataclass(frozen=True)
class NCSNLadder(Ladder):
    """Levels in equal ratios (Song & Ermon 2019). :meth:`of_data` follows the rules of NCSNv2.

    >>> NCSNLadder(0.01, 1.0, n_levels=3).rungs()
    tensor([0.0100, 0.1000, 1.0000], dtype=torch.float64)
    """

    sigma_min: float = 0.01
    """Lowest level, in data units."""
    sigma_max: float = 1.0
    """Highest level, in data units."""
    n_levels: int = 10
    """Number of levels."""

    def __post_init__(self) -> None:
        check_range(self.sigma_min, self.sigma_max)
        _check_levels(self.n_levels)

    def rungs(self) -> Tensor:
        ramp = torch.linspace(0.0, 1.0, self.n_levels, dtype=torch.float64)
        return self.sigma_min * torch.exp(ramp * math.log(self.sigma_max / self.sigma_min))

    @classmethod
    def of_data(cls, max_distance: float, dim: int, sigma_min: float = 0.01, overlap: float = 0.5) -> NCSNLadder:
        """A ladder by techniques 1 and 2 of Song & Ermon (2020): the highest level is the largest distance between two
        examples of ``dim`` components, and the ratio of neighbours makes their shells overlap by ``overlap``."""
        return cls(sigma_min, max_distance, levels_between(sigma_min, max_distance, ratio_of_overlap(overlap, dim)))


@dataclass(frozen=True)
class DDPMLadder(Ladder):
    """The levels of a discrete DDPM with betas on a line (Ho et al. 2020): alpha_bar = prod(1 - beta). Here a step is a
    rung, the first one lowest. DiffWave (Kong et al. 2021) has 50 of them up to .05, or 200 up to .02.

    >>> DDPMLadder(n_levels=50, beta_last=0.05).rungs().shape
    torch.Size([50])
    """

    n_levels: int = 1000
    """Number of steps."""
    beta_first: float = 1e-4
    """Beta of the first step."""
    beta_last: float = 0.02
    """Beta of the last step."""

    def __post_init__(self) -> None:
        _check_levels(self.n_levels)
        if not 0 < self.beta_first <= self.beta_last < 1:
            raise ValueError(
                f"got beta_first={self.beta_first} and beta_last={self.beta_last}, expected 0 < beta_first <= "
                "beta_last < 1; correct the one that is out of order"
            )

    def rungs(self) -> Tensor:
        betas = torch.linspace(self.beta_first, self.beta_last, self.n_levels, dtype=torch.float64)
        return sigma_of_alpha_bar(torch.cumprod(1.0 - betas, dim=0))

    def scale(self, sigma: Tensor) -> Tensor:
        return unit_variance_scale(sigma)

    @property
    def prior_std(self) -> float:
        """The deviation of unit noise over s at the last step."""
        return math.hypot(self.sigma_range[1], 1.0)


def _check_levels(n_levels: int) -> None:
    if n_levels < 2:
        raise ValueError(f"got n_levels={n_levels}, expected at least 2 rungs; a single level is EDMSchedule(p_std=0)")
