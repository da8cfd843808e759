"""Parts of a conditional GAN: a decoder with the class as input, and an encoder that judges an example as one of its
class."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.convnets import ConvDecoder, ConvEncoder
from gibbsweep_models.nn.layers.blocks import zero_


class ClassDecoder(nn.Module):
    """A :class:`~gibbsweep_models.nn.encoders.convnets.ConvDecoder` of the latent beside a learned vector of the class,
    as long as the latent (Mirza & Osindero 2014): (B, latent), (B,) -> (B, *D)."""

    def __init__(
        self, shape: tuple[int, ...], latent: int, n_classes: int, channels: tuple[int, ...] = (32, 64)
    ) -> None:
        super().__init__()
        self.embed_class = nn.Embedding(n_classes, latent)
        self.decoder = ConvDecoder(shape, 2 * latent, channels)

    def forward(self, z: Tensor, cond: Tensor) -> Tensor:
        """Examples of ``z`` (B, latent) and the classes ``cond`` (B,) -> (B, *D)."""
        out: Tensor = self.decoder(torch.cat([z, self.embed_class(cond)], dim=1))
        return out


class ProjectionEncoder(nn.Module):
    """D(x, y) = f(phi(x)) + <v_y, phi(x)> (Miyato & Koyama, "cGANs with Projection Discriminator", 2018, equation 3),
    with phi the last maps of ``encoder``, f its linear layer, and v_y a vector of the class. A new one has v = 0 and
    ignores the class."""

    def __init__(self, encoder: ConvEncoder, n_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.of_class = zero_(nn.Embedding(n_classes, encoder.readout.in_features))

    def forward(self, x: Tensor, cond: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The judgement of ``x`` (B, *D) as the classes ``cond`` (B,) -> (B, 1)."""
        phi = self.encoder.represent(x, generator=generator)
        out: Tensor = self.encoder.readout(phi) + (self.of_class(cond) * phi).sum(dim=1, keepdim=True)
        return out
