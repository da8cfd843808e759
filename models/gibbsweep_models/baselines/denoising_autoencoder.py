"""A denoising autoencoder: a U-Net that predicts the clean image."""

from __future__ import annotations

from dataclasses import dataclass, field

from gibbsweep_models.bases.denoiser_system import DenoiserSystem, DenoiserTraining
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.types import DataSpec, Phase


@dataclass(frozen=True)
class DenoisingAutoencoderConfig(DenoiserTraining):
    """``schedule``: the noise levels of training, in data units; an ``EDMSchedule`` with ``p_std=0`` is the one level
    exp(``p_mean``), as Vincent et al. (2008) train. ``blind_at``: None for a network that is told the level, else the level
    whose skip connection it has at every level. ``patch``: blocks of so many pixels squared become channels."""

    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    patch: int = 2
    schedule: GeometricSchedule | EDMSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    blind_at: float | None = None

    def build(self, spec: DataSpec) -> DenoisingAutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return DenoisingAutoencoderSystem(self, spec)


class DenoisingAutoencoderSystem(DenoiserSystem):
    """``denoiser``: D(x; sigma) = c_skip x + c_out F, no energy: its residual is the gradient of nothing. It does not sample."""

    def __init__(self, config: DenoisingAutoencoderConfig, spec: DataSpec) -> None:
        network = PatchUNet(spec.shape, config.channels, config.blocks, config.patch)
        super().__init__(config, spec, EDMPrecondition(network, config.first_sigma_data, config.blind_at))
        self.config = config

    def phases(self) -> list[Phase]:
        return [self.config.phase("denoiser", self, DenoisingLoss(self.config.schedule))]
