"""Networks that fill holes in one pass: a masked autoencoder, and with a discriminator a context encoder."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.convnets import ConvEncoder
from gibbsweep_models.nn.noise_networks.patches import PatchUNet
from gibbsweep_models.noise.masks import MixedMask, check_mask, fill_smoothly
from gibbsweep_models.objectives.generation.inpainting import CompletionDiscrimination, MaskedReconstruction
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, SignedUnits, System


@dataclass(frozen=True)
class MaskedAutoencoderConfig(SignedUnits):
    """A U-Net trained on the squared error in random holes. ``adversarial`` > 0 adds a discriminator of ``critic_channels``,
    which makes it a context encoder (Pathak et al. 2016; they weight it .001)."""

    channels: tuple[int, ...] = (32, 64, 64)
    blocks: int = 1
    patch: int = 2
    mask: MixedMask = field(default_factory=MixedMask)
    adversarial: float = 0.0
    critic_channels: tuple[int, ...] = (32, 64, 64)
    critic_learning_rate: float = 2e-4
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 20
    grad_clip: float | None = 1.0
    ema_decay: float = 0.98
    logit_bound: float = 1000.0

    def build(self, spec: DataSpec) -> MaskedAutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return MaskedAutoencoderSystem(self, spec)


class MaskedAutoencoderSystem(System):
    """Sees the image with a smooth surface in its hole and a plane that says where the hole is; answers with one completion."""

    def __init__(self, config: MaskedAutoencoderConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        channels, *sides = spec.shape
        self.network = PatchUNet((channels + 1, *sides), config.channels, config.blocks, config.patch)
        self.critic: nn.Module | None = None
        if config.adversarial > 0:
            self.critic = ConvEncoder(
                spec.shape, 1, config.critic_channels, normalise=False, activation=lambda: nn.LeakyReLU(0.2)
            )

    def phases(self) -> list[Phase]:
        config = self.config
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas, schedule="cosine", warmup=config.warmup)
        fill = Phase(
            "fill",
            list(self.network.parameters()),
            MaskedReconstruction(config.mask, config.adversarial),
            optimizer,
            grad_clip=config.grad_clip,
        )
        if self.critic is None:
            return [fill]
        critic = Phase(
            "critic",
            list(self.critic.parameters()),
            CompletionDiscrimination(config.mask),
            OptimizerConfig("adam", config.critic_learning_rate, (0.5, 0.99)),
            bounds={"logit_gap": config.logit_bound},
        )
        return [critic, fill]

    def fill(self, x: Tensor, known: Tensor) -> Tensor:
        """(B, C, H, W), bool like it -> (B, C, H, W), everywhere; an untrained network leaves the hole smooth."""
        smooth = fill_smoothly(x, known)
        plane = known[:, :1].to(x.dtype)
        output: Tensor = self.network(torch.cat([smooth, plane], dim=1), x.new_zeros(len(x)))
        return smooth + output[:, :-1]

    def discriminate(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B,)."""
        if self.critic is None:
            raise ValueError("this masked autoencoder has no discriminator: build it with adversarial > 0")
        logit: Tensor = self.critic(x)
        return logit.squeeze(1)

    @torch.no_grad()
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W), bool like it -> (B, C, H, W). It draws nothing: every completion is the same."""
        del generator
        return torch.where(known, x, self.fill(x, check_mask(known)).clamp(-1, 1))
