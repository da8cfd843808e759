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
    """Fills holes by x <- x + step_size sigma² score(x; sigma) + noise, ``steps_per_level`` times at each of ``n_steps`` levels
    of ``schedule`` (Song & Ermon 2019, algorithms 1 and 2), then by one denoising step.

    Where the denoiser is one of images that are blurred everywhere, the known pixels are held, at each level, at themselves plus
    fresh noise of that level, and at the end put back exactly; where it is one of holes beside clean pixels (``hole_only``), they
    are never touched. sigma² score = D - x. ``temperature`` scales the variance of all injected
    noise in the hole: 1 samples completions, 0 descends to one of the most likely.
    """

    n_steps: int = 10
    steps_per_level: int = 2
    step_size: float = 0.5
    temperature: float = 1.0
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))

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
        """(B, *D), bool (B, *D) -> (B, *D), in [-1, 1], equal to ``x`` where ``known``; elsewhere ``x`` is not looked at."""
        levels = self.schedule.sigmas(self.n_steps)[:-1].tolist()
        hole = fill_smoothly(x, check_mask(known))
        hole = hole + levels[0] * self.temperature**0.5 * randn_like(x, generator=generator)
        cond = known if hole_only else None
        diffusion = (2 * self.step_size * self.temperature) ** 0.5
        for sigma in levels:
            told = x.new_full((len(x),), sigma)
            for _ in range(self.steps_per_level):
                seen = x if hole_only else x + sigma * randn_like(x, generator=generator)
                state = torch.where(known, seen, hole)
                hole = torch.lerp(state, denoiser(state, told, cond), self.step_size)
                hole = hole + diffusion * sigma * randn_like(x, generator=generator)
        state = torch.where(known, x, hole)
        denoised = denoiser(state, x.new_full((len(x),), levels[-1]), cond).clamp(-1, 1)
        return torch.where(known, x, denoised)
