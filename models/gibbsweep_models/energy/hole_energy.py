"""An energy of the missing pixels given the known ones, trained by denoising score matching in random holes."""

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
    """An energy of holes beside clean pixels.

    >>> system = HoleEnergyConfig(channels=(4, 8)).build(DataSpec((1, 28, 28)))
    >>> x, known = torch.rand(2, 1, 28, 28), torch.rand(2, 1, 28, 28) < 0.5
    >>> system.inpaint(x, known, generator=seeded(0)).shape
    torch.Size([2, 1, 28, 28])
    """

    channels: tuple[int, ...] = (32, 64, 64)
    """Channels of the U-Net, one entry a resolution."""
    blocks: int = 1
    """Residual blocks a resolution."""
    patch: int = 2
    """Side of the blocks of pixels that become channels before the network."""
    mask: MixedMask = field(default_factory=MixedMask)
    """The holes of training."""
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.03, 2.0))
    """Noise levels of training, in data units."""
    inpainting: AnnealedInpainting = field(
        default_factory=lambda: AnnealedInpainting(schedule=GeometricSchedule(0.03, 2.0))
    )
    """How holes are filled, and down which levels."""

    def build(self, spec: DataSpec) -> HoleEnergySystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return HoleEnergySystem(self, spec)


class HoleEnergySystem(System):
    """An energy of holes whose ``denoiser`` is D(x; sigma, known) = x - sigma² grad E in the hole."""

    def __init__(self, config: HoleEnergyConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        channels, *sides = spec.shape
        network = PatchUNet((2 * channels + 1, *sides), config.channels, config.blocks, config.patch)
        self.denoiser = HoleDenoiser(network, config.first_sigma_data)

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data``, the deviation from a smooth surface in the holes, on ``x`` (N, C, H, W) unless the
        config gives it."""
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
