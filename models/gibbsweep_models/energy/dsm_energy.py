"""An energy trained by denoising score matching over many noise levels."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.bases.denoiser_system import DenoiserSystem, DenoiserTraining
from gibbsweep_models.nn.denoisers.energy_denoiser import EnergyDenoiser
from gibbsweep_models.nn.gradients import check_shape
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.samplers.diffusion.annealed_inpainting import AnnealedInpainting
from gibbsweep_models.types import DataSpec, Phase


@dataclass(frozen=True)
class DSMEnergyConfig(DenoiserTraining):
    """An energy of images by denoising score matching, of each noise level or of all at once.

    >>> system = DSMEnergyConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> system.energy(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2])
    """

    channels: tuple[int, ...] = (32, 64)
    """Channels of the U-Net, one entry a resolution."""
    blocks: int = 1
    """Residual blocks a resolution."""
    patch: int = 2
    """Side of the blocks of pixels that become channels before the network."""
    schedule: GeometricSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    """Noise levels of training, in data units."""
    blind_at: float | None = None
    """None for an energy E(x; sigma) with the noise level as input; else one energy for all levels, whose Tweedie step
    is taken as if the level were ``blind_at``."""
    inpainting: AnnealedInpainting = field(default_factory=AnnealedInpainting)
    """The sampler that fills holes."""
    anomaly_sigmas: tuple[float, ...] = ()
    """Levels whose energies are added up to an anomaly score; empty: the lowest of training."""

    def __post_init__(self) -> None:
        if min(self.anomaly_sigmas, default=1.0) <= 0:
            raise ValueError(f"got anomaly_sigmas={self.anomaly_sigmas}, expected positive noise levels; correct them")

    def build(self, spec: DataSpec) -> DSMEnergySystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return DSMEnergySystem(self, spec)


class DSMEnergySystem(DenoiserSystem):
    """An energy whose ``denoiser`` D(x; sigma) = x - sigma² grad E(x; sigma), Tweedie's step, is trained by its squared
    error. That is denoising score matching (Vincent 2011): |D - x_0|² = sigma⁴ |-grad E + n / sigma|²."""

    denoiser: EnergyDenoiser

    def __init__(self, config: DSMEnergyConfig, spec: DataSpec) -> None:
        network = PatchUNet(spec.shape, config.channels, config.blocks, config.patch)
        super().__init__(config, spec, EnergyDenoiser(network, config.first_sigma_data, config.blind_at))
        self.config = config

    def phases(self) -> list[Phase]:
        return [self.config.phase("energy", self, DenoisingLoss(self.config.schedule))]

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The energy of data blurred by the lowest noise level (a blind energy: by the level of ``blind_at``): (B, C,
        H, W) -> (B,)."""
        if cond is not None:
            raise ValueError(f"DSMEnergy is unconditional: got cond {tuple(cond.shape)}, expected None; leave it out")
        check_shape(x, self.shape)
        sigma = self.config.schedule.sigma_min
        return self.denoiser.energy(x, self.denoiser.seen_level(x.new_full((len(x),), sigma)))

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The sum over ``anomaly_sigmas`` of E(x; sigma), of the example as it is: (B, C, H, W) -> (B,). It draws
        nothing."""
        del generator
        check_shape(x, self.shape)
        sigmas = self.config.anomaly_sigmas or (self.config.schedule.sigma_min,)
        levels = [self.denoiser.seen_level(x.new_full((len(x),), sigma)) for sigma in sigmas]
        return torch.stack([self.denoiser.energy(x, level) for level in levels]).sum(dim=0)

    @torch.no_grad()
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """Annealed Langevin dynamics on the unknown pixels: (B, C, H, W), bool (B, C, H, W) -> (B, C, H, W)."""
        if self.config.blind_at is not None:
            raise ValueError(
                "annealing needs an energy that is told the noise level: got a blind one; pass blind_at=None"
            )
        check_shape(x, self.shape)
        return self.config.inpainting.inpaint(self.denoiser, x, known, generator=generator)
