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
    """A denoising autoencoder of images with EDM's preconditioning, for one noise level or many, told the level or
    blind.

    >>> system = DenoisingAutoencoderConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> x, sigma = torch.zeros(2, 1, 8, 8), torch.full((2,), 0.5)
    >>> system.denoise(x, sigma, generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    channels: tuple[int, ...] = (32, 64)
    """Channels of the U-Net, one entry a resolution."""
    blocks: int = 1
    """Residual blocks a resolution."""
    patch: int = 2
    """Side of the blocks of pixels that become channels before the network."""
    schedule: GeometricSchedule | EDMSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    """Noise levels of training, in data units. An ``EDMSchedule`` with ``p_std=0`` is the one level exp(``p_mean``), as
    Vincent et al. (2008) train."""
    blind_at: float | None = None
    """None for a network that is told the level; else the level whose skip connection it uses at every level."""

    def build(self, spec: DataSpec) -> DenoisingAutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return DenoisingAutoencoderSystem(self, spec)


class DenoisingAutoencoderSystem(DenoiserSystem):
    """A denoiser D(x; sigma) = c_skip x + c_out F that is no gradient of an energy, and so does not sample."""

    def __init__(self, config: DenoisingAutoencoderConfig, spec: DataSpec) -> None:
        network = PatchUNet(spec.shape, config.channels, config.blocks, config.patch)
        super().__init__(config, spec, EDMPrecondition(network, config.first_sigma_data, config.blind_at))
        self.config = config

    def phases(self) -> list[Phase]:
        return [self.config.phase("denoiser", self, DenoisingLoss(self.config.schedule))]
