"""A denoising autoencoder: a U-Net that predicts the clean image."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gibbsweep_models.nn.patches import PatchUNet
from gibbsweep_models.nn.precondition import EDMPrecondition
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.objectives.denoising_loss import DenoisingLoss
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class DenoisingAutoencoderConfig(SignedUnits):
    """``schedule``: the noise levels of training, in data units; an ``EDMSchedule`` with ``p_std=0`` is the one level
    exp(``p_mean``), as Vincent et al. (2008) train. ``blind_at``: None for a network that is told the level, else the level
    whose skip connection it has at every level. ``patch``: blocks of so many pixels squared become channels."""

    channels: tuple[int, ...] = (32, 64)
    blocks: int = 1
    patch: int = 2
    schedule: GeometricSchedule | EDMSchedule = field(default_factory=lambda: GeometricSchedule(0.1, 1.1))
    blind_at: float | None = None
    sigma_data: float | None = None
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 20
    grad_clip: float | None = 1.0
    ema_decay: float = 0.98

    def build(self, spec: DataSpec) -> DenoisingAutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return DenoisingAutoencoderSystem(self, spec)


class DenoisingAutoencoderSystem(System):
    """``denoiser``: D(x; sigma) = c_skip x + c_out F, no energy: its residual is the gradient of nothing."""

    def __init__(self, config: DenoisingAutoencoderConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        network = PatchUNet(spec.shape, config.channels, config.blocks, config.patch)
        self.denoiser = EDMPrecondition(
            network, 0.5 if config.sigma_data is None else config.sigma_data, config.blind_at
        )

    def initialise(self, x: Tensor) -> None:
        """Measure ``sigma_data`` on ``x`` (N, *D) unless the config gives it."""
        if self.config.sigma_data is None:
            self.denoiser.sigma_data.fill_(x.std(correction=0))

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas, schedule="cosine", warmup=config.warmup)
        return [
            Phase(
                "denoiser",
                list(self.parameters()),
                DenoisingLoss(config.schedule),
                optimizer,
                grad_clip=config.grad_clip,
            )
        ]

    @torch.no_grad()
    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W), (B,) or None where blind -> (B, C, H, W). It draws nothing."""
        del generator
        if sigma is None:
            if self.config.blind_at is None:
                raise ValueError(
                    "this autoencoder must be told the noise level: got sigma=None, expected (B,); train a blind one "
                    "with blind_at"
                )
            sigma = x.new_full((len(x),), self.config.blind_at)
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised
