"""Langevin dynamics at one noise level, the baseline of annealing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.samplers.diffusion.flow import check_steps, denoised_by
from gibbsweep_models.types import Denoiser, Samples, Trace


@dataclass(frozen=True)
class ScoreLangevin:
    """x <- x + a s + sqrt(2 a) n, ``n_steps`` times, with s the score of data blurred by ``sigma`` and a =
    ``step_size``, as in :class:`~gibbsweep_models.samplers.mcmc.langevin.Langevin` on an energy. A step of 2 sigma² is
    stable for any data, a larger one where the data is wider than sigma.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> sampler, denoiser = ScoreLangevin(n_steps=10), GaussianMixture(torch.zeros(1, 2), stds=1.0)
    >>> x = sampler.start((5, 2), generator=seeded(0))
    >>> sampler(denoiser, x, generator=seeded(1)).nfe
    10
    """

    n_steps: int = 1000
    """Steps."""
    step_size: float = 0.05
    """Size of a step, in units of data squared."""
    sigma: float = 0.1
    """The noise level, in data units."""
    reach: float = 1.0
    """Chains start uniformly in [-``reach``, ``reach``] along each axis."""

    def __post_init__(self) -> None:
        check_steps(self.n_steps)
        if self.step_size <= 0 or self.sigma <= 0 or self.reach <= 0:
            raise ValueError(
                f"got step_size={self.step_size}, sigma={self.sigma}, reach={self.reach}; expected positive numbers; "
                "correct the one that is not"
            )

    def start(self, shape: Sequence[int], *, generator: torch.Generator) -> Tensor:
        """Uniform numbers of ``shape`` (B, *D)."""
        return self.reach * (2.0 * rand(shape, generator=generator) - 1.0)

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
        """Move the chains ``x`` (B, *D), which keep their type."""
        diffusion = math.sqrt(2.0 * self.step_size)
        for step in range(1, self.n_steps + 1):
            pull = denoised_by(model, x, self.sigma, cond) - x
            x = torch.add(x, pull, alpha=self.step_size / self.sigma**2)
            x = x.add_(randn_like(x, generator=generator), alpha=diffusion)
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=self.n_steps)
