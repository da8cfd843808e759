"""A system that samples from a denoiser which needs no more training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.samplers.diffusion.flow import StartingSampler
from gibbsweep_models.types import Phase, Samples, System, Trace


class SampledDenoiser(System):
    """A system without phases around ``denoiser``, E[x_0 | x]: (B, *D), (B,) -> (B, *D) with D = ``shape``."""

    def __init__(self, denoiser: nn.Module, sampler: StartingSampler, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.denoiser, self.sampler, self.shape = denoiser, sampler, shape

    def phases(self) -> list[Phase]:
        return []

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """E[x_0 | x]: (B, *D), (B,) -> (B, *D). It draws nothing."""
        del generator
        if sigma is None:
            raise ValueError("a stored score must be told the noise level: got sigma=None, expected (B,)")
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D) from noise."""
        start = self.sampler.start((n, *self.shape), generator=generator)
        return self.sampler(self.denoiser, start, generator=generator, trace=trace)
