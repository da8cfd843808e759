"""Embeddings of a denoiser's inputs besides the data: the noise level and the class."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NoiseEmbedding(nn.Module):
    """Sines and cosines of the noise label at frequencies from 1 to 64 radians, then two linear layers.

    The label of table 1 in Karras et al. (2022), ln(sigma) / 4, spans about 2.7 units between sigma = .002 and 80, so
    the highest frequency tells apart levels that differ by a few percent.
    """

    frequencies: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.logspace(0.0, math.log10(64.0), width // 2), persistent=False)
        self.linear1 = nn.Linear(2 * (width // 2), width)
        self.linear2 = nn.Linear(width, width)

    def forward(self, noise: Tensor) -> Tensor:
        """(B,) -> (B, width)."""
        angles = noise[:, None] * self.frequencies
        out: Tensor = self.linear2(F.silu(self.linear1(torch.cat([angles.cos(), angles.sin()], dim=1))))
        return out


class ClassEmbedding(nn.Embedding):
    """A vector for each class in [0, n_classes), and one more for "no class", which is also what ``cond=None``
    means."""

    def __init__(self, n_classes: int, width: int) -> None:
        super().__init__(n_classes + 1, width)
        self.n_classes = n_classes

    def of(self, cond: Tensor | None, n: int) -> Tensor:
        """The vectors (n, width) of the classes (n,), or n times that of no class."""
        cond = self.weight.new_full((n,), self.n_classes, dtype=torch.int64) if cond is None else cond
        embedding: Tensor = self(cond)
        return embedding


def class_embedding(table: ClassEmbedding | None, x: Tensor, cond: Tensor | None, network: str) -> Tensor | float:
    """The term that is added to the noise embedding of ``x`` (B, *D): (B, width), or 0 for a ``network`` without
    classes."""
    if table is not None:
        return table.of(cond, len(x))
    if cond is not None:
        raise ValueError(
            f"this {network} is unconditional: got cond {tuple(cond.shape)}, expected None; build it with n_classes"
        )
    return 0.0
