"""A multilayer perceptron autoencoder whose latent codes lie on a sphere."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.activations import Activation, activation_of


def on_sphere(z: Tensor) -> Tensor:
    """``z`` (B, K) scaled to unit length."""
    return F.normalize(z, dim=1)


class SphericalAutoencoder(nn.Module):
    """An autoencoder x (B, *shape) in [-1, 1] -> z on the unit sphere of R^``latent_dim`` -> x, through ``hidden``
    layers and, mirrored, back.

    A compact latent space without a boundary: every decoded point is near one that training has seen, and a latent
    Markov chain cannot leave it (Yoon, Noh & Park 2021, section 4.3).
    """

    offset: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        latent_dim: int,
        hidden: tuple[int, ...] = (256, 128),
        activation: Activation = "silu",
    ) -> None:
        super().__init__()
        if latent_dim < 2 or not hidden or min(hidden) < 1:
            raise ValueError(
                f"got latent_dim={latent_dim}, hidden={hidden}; expected at least 2 latent dimensions (a circle) and "
                "one positive width; pass latent_dim=16, hidden=(256, 128)"
            )
        self.shape = tuple(shape)
        widths = (math.prod(shape), *hidden)
        self.encoder = _stack((*widths, latent_dim), activation)
        self.decoder = _stack((latent_dim, *reversed(widths)), activation)
        self.register_buffer("offset", torch.zeros(self.shape))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Centre the encoder's input, and start the decoder, at the mean of ``x`` (N, *shape): the ground of most
        images is far from 0, and learning it would take many updates. The mean is shrunk by a twentieth for the
        decoder, whose tanh never reaches the ground's -1."""
        self.offset.copy_(x.mean(dim=0))
        readout = self.decoder[-1]
        assert isinstance(readout, nn.Linear)
        readout.bias.copy_(torch.atanh(0.95 * self.offset.flatten()))

    def encode(self, x: Tensor) -> Tensor:
        """(B, *shape) -> (B, latent_dim), of unit length."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        return on_sphere(self.encoder((x - self.offset).flatten(1)))

    def decode(self, z: Tensor) -> Tensor:
        """(B, latent_dim) -> (B, *shape) in [-1, 1]."""
        return torch.tanh(self.decoder(z)).view(-1, *self.shape)


def _stack(widths: tuple[int, ...], activation: Activation) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width_in, width_out in pairwise(widths):
        layers += [nn.Linear(width_in, width_out), activation_of(activation)]
    return nn.Sequential(*layers[:-1])
