"""A network for vectors with the noise level as an input."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import zero_
from gibbsweep_models.nn.layers.embedding import ClassEmbedding, NoiseEmbedding, class_embedding


class ResidualLayer(nn.Module):
    """h + linear(silu(linear(silu(norm(h))) + embedding)). The last layer starts at zero, so a new one is the
    identity."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, width)
        self.told = nn.Linear(embedding, width)
        self.linear2 = zero_(nn.Linear(width, width))

    def forward(self, h: Tensor, embedding: Tensor) -> Tensor:
        """(B, width), (B, embedding) -> (B, width)."""
        inner = self.linear1(F.silu(self.norm(h))) + self.told(F.silu(embedding))
        out: Tensor = h + self.linear2(F.silu(inner))
        return out


class VectorNet(nn.Module):
    """F(x, noise, cond): (B, *D) -> (B, *D), flattened, through ``layers`` residual layers of ``width`` units. Classes
    as in a :class:`~gibbsweep_models.nn.noise_networks.unet.UNet`. A new network returns zero.

    >>> network = VectorNet((2,), width=8)
    >>> network(torch.zeros(3, 2), torch.zeros(3)).shape
    torch.Size([3, 2])
    """

    def __init__(self, shape: tuple[int, ...], width: int = 128, layers: int = 3, n_classes: int | None = None) -> None:
        super().__init__()
        if width < 2 or layers < 1:
            raise ValueError(
                f"got width={width} and layers={layers}, expected at least 2 units and one layer; pass width=128, "
                "layers=3"
            )
        self.shape = tuple(shape)
        self.embed_noise = NoiseEmbedding(width)
        self.embed_class = None if n_classes is None else ClassEmbedding(n_classes, width)
        self.stem = nn.Linear(math.prod(shape), width)
        self.layers = nn.ModuleList(ResidualLayer(width, width) for _ in range(layers))
        self.head = zero_(nn.Linear(width, math.prod(shape)))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, *D), the noise label (B,), classes (B,) or None -> (B, *D)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        embedding = self.embed_noise(noise) + class_embedding(self.embed_class, x, cond, "VectorNet")
        h = self.stem(x.flatten(1))
        for layer in self.layers:
            h = layer(h, embedding)
        out: Tensor = self.head(F.silu(h))
        return out.view(x.shape)
