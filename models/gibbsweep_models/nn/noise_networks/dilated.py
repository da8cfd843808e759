"""A stack of dilated convolutions with gates and the noise level as an input: the network of DiffWave."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import zero_
from gibbsweep_models.nn.layers.embedding import ClassEmbedding, NoiseEmbedding, class_embedding


class GatedBlock(nn.Module):
    """(h + conv(g), conv(g)) with g = tanh(a) sigmoid(b) and a, b = dilated conv(h + linear(embedding)), the first over
    sqrt(2): figure 2 of Kong et al., "DiffWave: A Versatile Diffusion Model for Audio Synthesis" (2021). The ``last``
    block makes only what goes to the output, since nothing uses the rest."""

    def __init__(self, channels: int, dilation: int, embedding: int, last: bool = False) -> None:
        super().__init__()
        self.told = nn.Linear(embedding, channels)
        self.dilated = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)
        self.out = nn.Conv1d(channels, channels if last else 2 * channels, 1)

    def forward(self, h: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """The input of the next block and the contribution to the output: (B, channels, T), (B, embedding) -> two of
        (B, channels, T)."""
        filtered, gate = self.dilated(h + self.told(embedding)[:, :, None]).chunk(2, dim=1)
        out: Tensor = self.out(torch.tanh(filtered) * torch.sigmoid(gate))
        if out.shape[1] == h.shape[1]:
            return h, out
        onwards, aside = out.chunk(2, dim=1)
        return (h + onwards) / math.sqrt(2.0), aside


class DilatedNet(nn.Module):
    """F(x, noise, cond): waveforms (B, C, L) -> (B, C, L). ``layers`` gated blocks whose dilation doubles from 1 to
    2^(cycle - 1) and starts again; the output is made of the mean of what all send to it. A new network returns zero.

    With ``n_classes``, ``cond`` (B,) holds a class in [0, n_classes), or ``n_classes`` for "no class", which is also
    what ``cond=None`` means.

    >>> network = DilatedNet((1, 64), channels=4, layers=3)
    >>> network(torch.zeros(3, 1, 64), torch.zeros(3)).shape
    torch.Size([3, 1, 64])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: int = 64,
        layers: int = 30,
        cycle: int = 10,
        n_classes: int | None = None,
    ) -> None:
        super().__init__()
        if len(shape) != 2:
            raise ValueError(
                f"DilatedNet is defined on waveforms (C, L): got {tuple(shape)}; use a UNet for other data"
            )
        if min(channels, layers, cycle) < 1:
            raise ValueError(
                f"got channels={channels}, layers={layers} and cycle={cycle}, expected positive numbers; correct the "
                "one that is not"
            )
        self.shape = tuple(shape)
        self.dilations: list[int] = [2 ** (layer % cycle) for layer in range(layers)]
        width = 2 * channels
        self.embed_noise = NoiseEmbedding(width)
        self.embed_class = None if n_classes is None else ClassEmbedding(n_classes, width)
        self.stem = nn.Conv1d(shape[0], channels, 1)
        self.blocks = nn.ModuleList(
            GatedBlock(channels, dilation, width, last=layer == layers)
            for layer, dilation in enumerate(self.dilations, start=1)
        )
        self.collect = nn.Conv1d(channels, channels, 1)
        self.head = zero_(nn.Conv1d(channels, shape[0], 1))

    @property
    def receptive_field(self) -> int:
        """The number of samples of the input that one of the output depends on."""
        return 1 + 2 * sum(self.dilations)

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, C, L), the noise label (B,), classes (B,) or None -> (B, C, L)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        embedding = F.silu(self.embed_noise(noise) + class_embedding(self.embed_class, x, cond, "DilatedNet"))
        h = F.relu(self.stem(x))
        total = torch.zeros((), device=x.device)
        for block in self.blocks:
            h, aside = block(h, embedding)
            total = total + aside
        out: Tensor = self.head(F.relu(self.collect(total / math.sqrt(len(self.blocks)))))
        return out
