"""The common ground of the samplers of a denoiser: the slope of the probability flow, and the noise they start from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from gibbsweep_models.draws import randn
from gibbsweep_models.noise.timed import prior_std
from gibbsweep_models.types import Denoiser, NoiseSchedule, Sampler


def denoised_by(model: Denoiser, x: Tensor, sigma: float | Tensor, cond: Tensor | None) -> Tensor:
    """D(x; sigma) for ``x`` (B, *D) at one level or at one a chain (B,), of the shape of ``x`` or refused."""
    sigmas = sigma if isinstance(sigma, Tensor) else x.new_full((len(x),), sigma)
    denoised = model(x, sigmas, cond)
    if denoised.shape != x.shape:
        raise ValueError(
            f"a denoiser maps (B, *D) to (B, *D): got {tuple(denoised.shape)} for x {tuple(x.shape)}; return one "
            "clean value per noisy one"
        )
    return denoised


def flow_slope(model: Denoiser, x: Tensor, sigma: float, cond: Tensor | None) -> Tensor:
    """dx/dsigma = (x - D) / sigma, -sigma times the score (Karras et al. 2022, equation 3 with sigma(t) = t)."""
    return (x - denoised_by(model, x, sigma, cond)) / sigma


class StartingSampler(Sampler[Denoiser], Protocol):
    """A sampler that knows where its chains start."""

    def start(self, shape: Sequence[int], *, generator: torch.Generator) -> Tensor: ...


class FromNoise:
    """A sampler that walks down the levels of its ``schedule``."""

    schedule: NoiseSchedule

    def start(self, shape: Sequence[int], *, generator: torch.Generator) -> Tensor:
        """Noise of ``shape`` (B, *D) at the highest level, where the data no longer shows."""
        return randn(shape, generator=generator) * prior_std(self.schedule)


def check_steps(n_steps: int) -> None:
    if n_steps < 1:
        raise ValueError(f"got n_steps={n_steps}, expected at least 1 step; raise it")
