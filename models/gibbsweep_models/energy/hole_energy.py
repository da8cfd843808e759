"""An energy of what is missing given what is known, trained by denoising score matching in random holes."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.bases.denoiser_system import DenoiserTraining
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.denoisers.hole_denoiser import HoleDenoiser
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.masks import MixedMask, fill_smoothly
from gibbsweep_models.objectives.score_matching.holes import HoleScoreMatching
from gibbsweep_models.samplers.diffusion.annealed_inpainting import AnnealedInpainting
from gibbsweep_models.types import DataSpec, Phase, System


@dataclass(frozen=True)
class HoleEnergyConfig(DenoiserTraining):
    """``schedule``: the noise levels of training, in data units; ``mask``: its holes; ``inpainting``: how holes are filled, down
    which levels. ``patch``: the network sees blocks of so many pixels squared as channels."""

    channels: tuple[int, ...] = (32, 64, 64)
    blocks: int = 1
    patch: int = 2
    mask: MixedMask = field(default_factory=MixedMask)
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.03, 2.0))
    inpainting: AnnealedInpainting = field(
        default_factory=lambda: AnnealedInpainting(schedule=GeometricSchedule(0.03, 2.0))
    )

    def build(self, spec: DataSpec) -> HoleEnergySystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return HoleEnergySystem(self, spec)


class HoleEnergySystem(System):
    """``denoiser``: D(x; sigma, known) = x - sigma² grad E in the hole."""

    def __init__(self, config: HoleEnergyConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        channels, *sides = spec.shape
        network = PatchUNet((2 * channels + 1, *sides), config.channels, config.blocks, config.patch)
        self.denoiser = HoleDenoiser(network, config.first_sigma_data)

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data``, the deviation from a smooth surface in the holes, on ``x`` (N, C, H, W) unless the config
        gives it."""
        if self.config.sigma_data is None:
            known = self.config.mask.known(x, generator=seeded(0, device=x.device))
            self.denoiser.sigma_data.fill_((x - fill_smoothly(x, known))[~known].square().mean().sqrt())

    def phases(self) -> list[Phase]:
        objective = HoleScoreMatching(self.config.mask, self.config.schedule)
        return [self.config.phase("energy", self, objective)]

    @torch.no_grad()
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """Annealed Langevin dynamics on the unknown pixels: (B, C, H, W), bool (B, C, H, W) -> (B, C, H, W)."""
        return self.config.inpainting.inpaint(self.denoiser, x, known, generator=generator, hole_only=True)
