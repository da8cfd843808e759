"""Langevin dynamics on a sequence of noise levels, with known pixels held."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.masks import check_mask, fill_smoothly
from gibbsweep_models.types import Denoiser


@dataclass(frozen=True)
class AnnealedInpainting:
    """Langevin dynamics that fills holes: x <- x + step_size sigma² score(x; sigma) + noise, ``steps_per_level`` times
    at each of ``n_steps`` levels of ``schedule`` (Song & Ermon 2019, algorithms 1 and 2), then one denoising step.
    sigma² score = D - x.

    Where the denoiser is one of images that are blurred everywhere, the known pixels are held, at each level, at
    themselves plus fresh noise of that level, and at the end put back exactly; where it is one of holes beside clean
    pixels (``hole_only``), they are never touched.

    >>> from gibbsweep_models.nn.denoisers import GaussianMixture
    >>> denoiser = GaussianMixture(torch.zeros(1, 1, 8, 8), stds=1.0)
    >>> x, known = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8) < 0.5
    >>> AnnealedInpainting(n_steps=3).inpaint(denoiser, x, known, generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    n_steps: int = 10
    """Levels."""
    steps_per_level: int = 2
    """Langevin steps at each level."""
    step_size: float = 0.5
    """Size of a step, relative to sigma²."""
    temperature: float = 1.0
    """Factor on the variance of all injected noise in the hole: 1 samples completions, 0 descends to one of the most
    likely."""
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    """Noise levels."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.steps_per_level < 1 or not 0 < self.step_size < 2 or self.temperature < 0:
            raise ValueError(
                f"got n_steps={self.n_steps}, steps_per_level={self.steps_per_level}, step_size={self.step_size}, "
                f"temperature={self.temperature}; expected at least one step, a step size in (0, 2) and a temperature "
                ">= 0; correct the one that is out of range"
            )

    @torch.no_grad()
    def inpaint(
        self, denoiser: Denoiser, x: Tensor, known: Tensor, *, generator: torch.Generator, hole_only: bool = False
    ) -> Tensor:
        """The completed images: (B, *D), bool (B, *D) -> (B, *D), in [-1, 1], equal to ``x`` where ``known``; the other
        values of ``x`` are not read."""
        levels = self.schedule.sigmas(self.n_steps)[:-1].tolist()
        hole = fill_smoothly(x, check_mask(known))
        hole = hole + levels[0] * self.temperature**0.5 * randn_like(x, generator=generator)
        cond = known if hole_only else None
        diffusion = (2 * self.step_size * self.temperature) ** 0.5
        for sigma in levels:
            sigmas = x.new_full((len(x),), sigma)
            for _ in range(self.steps_per_level):
                seen = x if hole_only else x + sigma * randn_like(x, generator=generator)
                state = torch.where(known, seen, hole)
                hole = torch.lerp(state, denoiser(state, sigmas, cond), self.step_size)
                hole = hole + diffusion * sigma * randn_like(x, generator=generator)
        state = torch.where(known, x, hole)
        denoised = denoiser(state, x.new_full((len(x),), levels[-1]), cond).clamp(-1, 1)
        return torch.where(known, x, denoised)
