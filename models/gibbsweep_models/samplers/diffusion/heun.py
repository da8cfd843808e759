"""The second-order sampler of Karras et al. (2022) for the probability-flow ODE, with optional churn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.timed import levels
from gibbsweep_models.samplers.diffusion.flow import FromNoise, flow_slope
from gibbsweep_models.types import Denoiser, NoiseSchedule, Samples, Trace


@dataclass(frozen=True)
class Heun(FromNoise):
    """Heun's method on dx/dsigma = (x - D(x; sigma)) / sigma from ``schedule``'s highest level to 0.

    The chains must start at that highest level, where ``start`` draws them. ``s_churn=0`` is deterministic (algorithm
    1); ``s_churn > 0`` adds fresh noise before steps (algorithm 2). The last step, to sigma = 0, is an Euler step, so
    there are 2 * n_steps - 1 evaluations. Exact solution for data N(0, s² I): x(sigma) = x(sigma_max) sqrt((s² +
    sigma²) / (s² + sigma_max²)).

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler, denoiser = Heun(n_steps=10), GaussianMixture(torch.zeros(1, 2), stds=1.0)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(denoiser, x, generator=seeded(1)).nfe
    19
    """

    n_steps: int = 18
    """Steps, from level to level."""
    schedule: NoiseSchedule = field(default_factory=EDMSchedule)
    """Noise levels."""
    s_churn: float = 0.0
    """Raises the noise before a step by the factor 1 + min(s_churn / n_steps, sqrt(2) - 1)."""
    s_min: float = 0.0
    """Lowest sigma at which noise is raised."""
    s_max: float = math.inf
    """Highest sigma at which noise is raised."""
    s_noise: float = 1.0
    """Standard deviation of the fresh noise."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.s_churn < 0 or self.s_noise < 0:
            raise ValueError(
                f"got n_steps={self.n_steps}, s_churn={self.s_churn}, s_noise={self.s_noise}; expected n_steps >= 1 "
                "and the others >= 0; correct the one that is out of range"
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
            gamma = min(self.s_churn / self.n_steps, math.sqrt(2.0) - 1.0) if self.s_min <= sigma <= self.s_max else 0.0
            if gamma > 0:
                raised = sigma * (1.0 + gamma)
                extra = self.s_noise * math.sqrt(raised**2 - sigma**2)
                x, sigma = torch.add(x, randn_like(x, generator=generator), alpha=extra), raised
            slope = flow_slope(model, x, sigma, cond)
            proposal = torch.add(x, slope, alpha=sigma_next - sigma)
            if sigma_next > 0:
                slope = 0.5 * (slope + flow_slope(model, proposal, sigma_next, cond))
                proposal = torch.add(x, slope, alpha=sigma_next - sigma)
            x = proposal
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=2 * self.n_steps - 1)
