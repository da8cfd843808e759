"""Denoising score matching in the holes of an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from gibbsweep_models.draws import randn_like
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.masks import MixedMask
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.objectives.score_matching.denoising_loss import denoiser_of
from gibbsweep_models.types import Batch, Loss, NoiseSchedule


@dataclass(frozen=True)
class HoleScoreMatching:
    """Denoising score matching with noise in random holes only: |D(x; sigma, known) - x_0|² / c_out², mean over the
    hole, at levels sigma ~ ``schedule``. Part ``hole_mse``: the unweighted error.

    >>> from gibbsweep_models.energy.hole_energy import HoleEnergyConfig
    >>> system = HoleEnergyConfig(channels=(4, 8)).build(DataSpec((1, 28, 28)))
    >>> loss = HoleScoreMatching()(system, {"x": torch.zeros(4, 1, 28, 28)}, generator=seeded(0))
    """

    mask: MixedMask = field(default_factory=MixedMask)
    """The holes."""
    schedule: NoiseSchedule = field(default_factory=lambda: GeometricSchedule(0.03, 2.0))
    """Noise levels, in data units."""

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, C, H, W)."""
        x = batch["x"]
        denoiser = denoiser_of(model)
        known = self.mask.known(x, generator=generator)
        sigma = self.schedule.sample(len(x), generator=generator)
        noisy = torch.where(known, x, x + expand_like(sigma, x) * randn_like(x, generator=generator))
        error = (denoiser(noisy, sigma, known) - x).flatten(1).square().sum(dim=1)
        mse = error / (~known).flatten(1).sum(dim=1).clamp_min(1)
        return Loss((mse / denoiser.coefficients(sigma).c_out ** 2).mean(), {"hole_mse": mse.detach().mean()})
