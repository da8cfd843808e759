"""Parts that convolutional networks share, over 1-D (waveforms), 2-D (images) and 3-D (voxels) data."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONVOLUTIONS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_MEANS: dict[int, type[nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d]] = {
    1: nn.AvgPool1d,
    2: nn.AvgPool2d,
    3: nn.AvgPool3d,
}


def conv_nd(
    dim: int, channels_in: int, channels_out: int, kernel_size: int = 3, stride: int | tuple[int, ...] = 1
) -> nn.Module:
    """A convolution over ``dim`` axes with an odd kernel, padded so that length n becomes ceil(n / stride); one stride
    for all axes, or one each."""
    if dim not in _CONVOLUTIONS:
        raise ValueError(
            f"got dim={dim}, expected 1 (waveform), 2 (image) or 3 (voxels); reshape the data to one of these"
        )
    convolution: Any = _CONVOLUTIONS[dim]  # the stubs want a stride of exactly dim numbers
    layer: nn.Module = convolution(channels_in, channels_out, kernel_size, stride, padding=kernel_size // 2)
    return layer


def halve(dim: int) -> nn.Module:
    """Means over blocks of two along every axis: n becomes ceil(n / 2), the last block of an odd length is single."""
    return _MEANS[dim](2, ceil_mode=True)


def resize_like(x: Tensor, like: Tensor) -> Tensor:
    """``x`` (B, C, *S) repeated (nearest neighbour) to the spatial size of ``like``: undoes halving, odd sizes too."""
    return F.interpolate(x, size=like.shape[2:], mode="nearest")


def group_norm(channels: int, *, at_most: int = 8) -> nn.GroupNorm:
    """Group normalisation with the most groups, up to ``at_most``, that hold at least four channels each.

    It normalises every example by itself: statistics over the batch would make two workers differ from one.
    """
    groups = max((g for g in range(1, at_most + 1) if channels % g == 0 and channels // g >= 4), default=1)
    return nn.GroupNorm(groups, channels)


class ResidualBlock(nn.Module):
    """x + f(x, embedding): two 3-wide convolutions behind group norm and SiLU; the embedding scales and shifts the
    second normalisation. The last convolution starts at zero, so a new block is the identity (or a 1-wide
    projection)."""

    def __init__(self, dim: int, channels_in: int, channels_out: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = group_norm(channels_in)
        self.conv1 = conv_nd(dim, channels_in, channels_out)
        self.affine = nn.Linear(embedding, 2 * channels_out)
        self.norm2 = group_norm(channels_out)
        self.conv2 = zero_(conv_nd(dim, channels_out, channels_out))
        self.shortcut = nn.Identity() if channels_in == channels_out else conv_nd(dim, channels_in, channels_out, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(B, channels_in, *S), (B, embedding) -> (B, channels_out, *S)."""
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.affine(F.silu(embedding)).reshape(len(x), -1, *(1 for _ in x.shape[2:])).chunk(2, dim=1)
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        out: Tensor = self.shortcut(x) + h
        return out


def zero_(module: nn.Module) -> nn.Module:
    """Set all parameters of ``module`` to zero and return it."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    return module
