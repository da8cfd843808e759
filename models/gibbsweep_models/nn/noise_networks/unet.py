"""A small U-Net with the noise level as an input, for waveforms, images and voxels."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gibbsweep_models.nn.layers.attention import SelfAttention
from gibbsweep_models.nn.layers.blocks import ResidualBlock, conv_nd, group_norm, halve, resize_like, zero_
from gibbsweep_models.nn.layers.embedding import ClassEmbedding, NoiseEmbedding, class_embedding


class Stage(nn.ModuleList):
    """Residual blocks at one resolution, the first of which changes the width. ``recompute``: keep none of their
    activations for the gradient, but make them again."""

    def __init__(
        self, dim: int, width_in: int, width_out: int, blocks: int, embedding: int, recompute: bool = False
    ) -> None:
        widths = (width_in, *(width_out for _ in range(blocks)))
        super().__init__(ResidualBlock(dim, a, b, embedding) for a, b in pairwise(widths))
        self.recompute = recompute

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(B, width_in, *S), (B, embedding) -> (B, width_out, *S)."""
        for block in self:
            if self.recompute and torch.is_grad_enabled():
                # A block draws nothing, so there is no state of a generator to restore.
                x = checkpoint(block, x, embedding, use_reentrant=False, preserve_rng_state=False)
            else:
                x = block(x, embedding)
        return x


class UNet(nn.Module):
    """F(x, noise, cond): (B, C, *S) -> (B, C, *S), one resolution per entry of ``channels``, each half of the last.

    ``shape`` is (C, L), (C, H, W) or (C, D, H, W). Odd sizes work: 7 halves to 4, and the way up repeats values to the
    exact size of the skip connection. With ``n_classes``, ``cond`` (B,) holds a class in [0, n_classes), or
    ``n_classes`` for "no class", which is also what ``cond=None`` means. A new network returns zero.

    ``checkpoint_activations``: keep only each residual block's input for the gradient, and compute the rest a second
    time: the same gradient in less memory and about a third more time (Chen et al., "Training Deep Nets with Sublinear
    Memory Cost", 2016). ``attention``: self-attention and one more block at the lowest resolution. ``rows``: each row
    of the first axis after the channels is told which one it is, by an offset that is learned, since a convolution
    cannot know and frequencies, unlike places in a picture, are not alike.

    >>> network = UNet((1, 8, 8), (8, 8))
    >>> network(torch.zeros(3, 1, 8, 8), torch.zeros(3)).shape
    torch.Size([3, 1, 8, 8])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: tuple[int, ...] = (32, 64, 64),
        blocks: int = 1,
        n_classes: int | None = None,
        checkpoint_activations: bool = False,
        attention: bool = False,
        rows: bool = False,
    ) -> None:
        super().__init__()
        if len(shape) not in (2, 3, 4):
            raise ValueError(
                f"UNet is defined on (C, L), (C, H, W) and (C, D, H, W): got {tuple(shape)}; use an MLP for vectors"
            )
        if not channels or min(channels) < 1 or blocks < 1:
            raise ValueError(
                f"got channels={channels} and blocks={blocks}, expected positive widths and at least one block; "
                "pass channels=(32, 64, 64), blocks=1"
            )
        shortest = 2 ** (len(channels) - 1)
        if min(shape[1:]) < shortest:
            raise ValueError(
                f"got shape {tuple(shape)} for {len(channels)} resolutions, expected at least {shortest} along every "
                "axis; pass fewer entries in channels"
            )
        self.shape = tuple(shape)
        self.n_classes = n_classes
        dim = len(shape) - 1
        width = 2 * channels[0]
        self.embed_noise = NoiseEmbedding(width)
        self.embed_class = None if n_classes is None else ClassEmbedding(n_classes, width)
        self.stem = conv_nd(dim, shape[0], channels[0])
        self.row = nn.Parameter(torch.zeros(channels[0], shape[1], *(1,) * (dim - 1))) if rows else None
        self.halve = halve(dim)
        ways_down = list(zip((channels[0], *channels[:-1]), channels, strict=True))
        self.down = nn.ModuleList(Stage(dim, a, b, blocks, width, checkpoint_activations) for a, b in ways_down)
        self.middle = ResidualBlock(dim, channels[-1], channels[-1], width)
        self.attention = SelfAttention(channels[-1]) if attention else None
        self.after = ResidualBlock(dim, channels[-1], channels[-1], width) if attention else None
        ways_up = reversed(list(pairwise(channels)))
        self.up = nn.ModuleList(
            Stage(dim, below + here, here, blocks, width, checkpoint_activations) for here, below in ways_up
        )
        self.norm = group_norm(channels[0])
        self.head = zero_(conv_nd(dim, channels[0], shape[0]))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, C, *S), the noise label (B,), classes (B,) or None -> (B, C, *S)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        embedding = self.embed_noise(noise) + class_embedding(self.embed_class, x, cond, "UNet")
        h = self.stem(x) if self.row is None else self.stem(x) + self.row
        skips: list[Tensor] = []
        for level, stage in enumerate(self.down):
            if level > 0:
                skips.append(h)
                h = self.halve(h)
            h = stage(h, embedding)
        h = self.middle(h, embedding)
        if self.attention is not None and self.after is not None:
            h = self.after(self.attention(h), embedding)
        for stage in self.up:
            skip = skips.pop()
            h = stage(torch.cat([resize_like(h, skip), skip], dim=1), embedding)
        out: Tensor = self.head(F.silu(self.norm(h)))
        return out
