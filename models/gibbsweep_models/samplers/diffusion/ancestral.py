"""First-order samplers of reverse time: Euler's method for the flow, and DDPM's ancestral sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.timed import levels
from gibbsweep_models.samplers.diffusion.flow import FromNoise, check_steps, denoised_by, flow_slope
from gibbsweep_models.types import Denoiser, NoiseSchedule, Samples, Trace


def ancestral_step(
    x: Tensor, denoised: Tensor, sigma: float, sigma_next: float, eta: float, *, generator: torch.Generator
) -> Tensor:
    """A draw of x at ``sigma_next`` given ``x`` at ``sigma`` and x_0 = ``denoised``, with ``eta`` times the standard
    deviation of the true posterior: N(D + r² (x - D), sigma_next² (1 - r²)), r = sigma_next / sigma, at 1 (Ho et al.
    2020, equation 7); a step of Euler's for the flow, D + r (x - D), at 0 (DDIM: Song et al. 2021)."""
    fresh = eta * sigma_next * math.sqrt(1.0 - (sigma_next / sigma) ** 2)
    remaining = math.sqrt(sigma_next**2 - fresh**2)
    x = torch.lerp(denoised, x, remaining / sigma)
    return x.add_(randn_like(x, generator=generator), alpha=fresh) if fresh > 0 else x


@dataclass(frozen=True)
class Ancestral(FromNoise):
    """:func:`ancestral_step` from level to level of ``schedule``, the last one to D: ``n_steps`` evaluations.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler, denoiser = Ancestral(n_steps=10), GaussianMixture(torch.zeros(1, 2), stds=1.0)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(denoiser, x, generator=seeded(1)).x.shape
    torch.Size([5, 2])
    """

    n_steps: int = 100
    """Steps, from level to level."""
    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels."""
    eta: float = 1.0
    """1 is DDPM with its smaller variance, 0 is DDIM."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        if not 0 <= self.eta <= 1:
            raise ValueError(
                f"got eta={self.eta}, expected a share of the posterior's noise in [0, 1]; 1 is DDPM, 0 DDIM"
            )

    @torch.no_grad()
    def __call__(
        self,
        model: Denoiser,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        """Carry ``x`` (B, *D) from the highest noise level to clean samples of the same type."""
        for step, (sigma, sigma_next) in enumerate(pairwise(levels(self.schedule, self.n_steps)), start=1):
            denoised = denoised_by(model, x, sigma, cond)
            x = ancestral_step(x, denoised, sigma, sigma_next, self.eta, generator=generator)
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=self.n_steps)


@dataclass(frozen=True)
class Euler(FromNoise):
    """Euler's method on the probability flow dx/dsigma = (x - D) / sigma: ``n_steps`` evaluations, of order one. It
    draws nothing.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler, denoiser = Euler(n_steps=10), GaussianMixture(torch.zeros(1, 2), stds=1.0)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(denoiser, x, generator=seeded(1)).nfe
    10
    """

    n_steps: int = 100
    """Steps, from level to level."""
    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)

    @torch.no_grad()
    def __call__(
        self,
        model: Denoiser,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        """Carry ``x`` (B, *D) from the highest noise level to clean samples of the same type."""
        del generator
        for step, (sigma, sigma_next) in enumerate(pairwise(levels(self.schedule, self.n_steps)), start=1):
            x = torch.add(x, flow_slope(model, x, sigma, cond), alpha=sigma_next - sigma)
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=self.n_steps)
