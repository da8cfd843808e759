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
    """A U-Net trained on the squared error in random holes; with ``adversarial`` > 0 a context encoder (Pathak et al.
    2016).

    >>> system = MaskedAutoencoderConfig(channels=(4, 8)).build(DataSpec((1, 28, 28)))
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
    adversarial: float = 0.0
    """Weight of a discriminator's judgement; 0 for no discriminator (Pathak et al. take .001)."""
    critic_channels: tuple[int, ...] = (32, 64, 64)
    """Channels of the discriminator's stages."""
    critic_learning_rate: float = 2e-4
    """Learning rate of the discriminator."""
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 20
    """Updates over which the learning rate rises."""
    grad_clip: float | None = 1.0
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.98
    """Decay per update of the averaged weights."""
    logit_bound: float = 1000.0
    """A larger |logit_gap| of the discriminator counts as divergence."""

    def build(self, spec: DataSpec) -> MaskedAutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        return MaskedAutoencoderSystem(self, spec)


class MaskedAutoencoderSystem(System):
    """A network that sees the image with a smooth surface in its hole and a plane that says where the hole is, and
    answers with one completion."""

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
        """The network's answer everywhere: (B, C, H, W), bool like it -> (B, C, H, W). An untrained network leaves the
        hole smooth."""
        smooth = fill_smoothly(x, known)
        plane = known[:, :1].to(x.dtype)
        output: Tensor = self.network(torch.cat([smooth, plane], dim=1), x.new_zeros(len(x)))
        return smooth + output[:, :-1]

    def discriminate(self, x: Tensor) -> Tensor:
        """The logit of "real": (B, C, H, W) -> (B,)."""
        if self.critic is None:
            raise ValueError("this masked autoencoder has no discriminator: build it with adversarial > 0")
        logit: Tensor = self.critic(x)
        return logit.squeeze(1)

    @torch.no_grad()
    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """The completed images: (B, C, H, W), bool like it -> (B, C, H, W). It draws nothing: every completion is the
        same."""
        del generator
        return torch.where(known, x, self.fill(x, check_mask(known)).clamp(-1, 1))
