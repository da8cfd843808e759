"""A convolutional autoencoder, plain or denoising."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.objectives.generation.reconstruction import Reconstruction, reconstruction_error
from gibbsweep_models.types import DataSpec, OptimizerConfig, Phase, System, Units


@dataclass(frozen=True)
class AutoencoderConfig:
    """A convolutional autoencoder, trained on the squared error of signed units or the cross-entropy of binary ones.

    >>> system = AutoencoderConfig(channels=(4, 8), latent_dim=3).build(DataSpec((1, 8, 8)))
    >>> system.encode(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 3])
    """

    units: Units = "signed"
    """What the data is, which decides the criterion."""
    channels: tuple[int, ...] = (32, 64)
    """Channels of each stage of the encoder; the decoder mirrors them."""
    latent_dim: int = 16
    """Numbers that an example is compressed to."""
    sigma: float = 0.0
    """Noise level that inputs are corrupted with: above 0, a denoising autoencoder for that level (Vincent et al.
    2008)."""
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.999)
    grad_clip: float | None = None
    """Largest norm of the gradient; None for no bound."""
    ema_decay: float = 0.99
    """Decay per update of the averaged weights."""

    def build(self, spec: DataSpec) -> AutoencoderSystem:
        """The system for images of ``spec.shape`` (C, H, W)."""
        if spec.units != self.units:
            raise ValueError(
                f"got {spec.units!r} data, expected {self.units!r}; pass AutoencoderConfig(units={spec.units!r})"
            )
        return AutoencoderSystem(self, spec)


class AutoencoderSystem(System):
    """An autoencoder x -> z -> x through ``latent_dim`` numbers. It has no density and cannot sample."""

    def __init__(self, config: AutoencoderConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.ema_decay = config.ema_decay
        self.encoder = ConvEncoder(spec.shape, config.latent_dim, config.channels)
        self.decoder = ConvDecoder(spec.shape, config.latent_dim, config.channels)

    def phases(self) -> list[Phase]:
        config = self.config
        objective = Reconstruction(config.units, config.sigma)
        optimizer = OptimizerConfig("adam", config.learning_rate, config.betas)
        return [Phase("reconstruction", list(self.parameters()), objective, optimizer, grad_clip=config.grad_clip)]

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, latent_dim)."""
        z: Tensor = self.encoder(x)
        return z

    def decode(self, z: Tensor) -> Tensor:
        """(B, latent_dim) -> (B, C, H, W): values in [-1, 1] (signed) or logits (binary)."""
        output: Tensor = self.decoder(z)
        return output if self.config.units == "binary" else torch.tanh(output)

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, latent_dim)."""
        return self.encode(x)

    @torch.no_grad()
    def reconstruct(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The reconstruction, (B, C, H, W) -> (B, C, H, W), in the data's range; binary units come back as means. It
        draws nothing."""
        del generator
        output = self.decode(self.encode(x))
        return torch.sigmoid(output) if self.config.units == "binary" else output

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The reconstruction of noisy ``x``. The network knows one noise level only and ignores ``sigma`` (B,)."""
        del sigma
        return self.reconstruct(x, generator=generator)

    @torch.no_grad()
    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """The reconstruction error in the units of the training loss, high = unusual: (B, C, H, W) -> (B,)."""
        del generator
        return reconstruction_error(self.decode(self.encode(x)), x, self.config.units)
