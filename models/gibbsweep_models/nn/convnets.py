"""Convolutional encoders and decoders of images and voxels, shared by the GAN, the VAE and the autoencoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.blocks import conv_nd, group_norm


def _pyramid(shape: tuple[int, ...], n_stages: int) -> list[tuple[int, ...]]:
    """Lengths of the axes before the first stage and after each: halved, rounded up, where they are still at least 4."""
    if len(shape) not in (3, 4) or min(shape[1:]) < 8:
        raise ValueError(
            "convolutional encoders and decoders are defined on images (C, H, W) and voxels (C, X, Y, Z) with sides >= 8: "
            f"got {tuple(shape)}; reshape or pad the data to that"
        )
    sizes = [tuple(shape[1:])]
    for _ in range(n_stages):
        sizes.append(tuple(_halved(n) for n in sizes[-1]))
    return sizes


def _halved(n: int) -> int:
    return (n + 1) // 2 if n >= 4 else n


def _check_widths(channels: tuple[int, ...], vector: int) -> None:
    if not channels or min(channels) < 1 or vector < 1:
        raise ValueError(
            f"got channels {channels} and a vector of {vector}, expected at least one stage and positive widths; "
            "pass channels=(32, 64)"
        )


class ConvEncoder(nn.Module):
    """(B, C, H, W) or (B, C, X, Y, Z) -> (B, out): one convolution, 3 wide and of stride 2, per entry of ``channels``
    (stride 1 along axes shorter than 4), then a linear layer. ``normalise`` puts group norm behind each convolution but
    the first.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        out: int,
        channels: tuple[int, ...] = (32, 64),
        normalise: bool = True,
        activation: Callable[[], nn.Module] = nn.SiLU,
    ) -> None:
        super().__init__()
        _check_widths(channels, out)
        self.shape = tuple(shape)
        sizes = _pyramid(shape, len(channels))
        layers: list[nn.Module] = []
        for stage, ((before, after), (width_in, width)) in enumerate(
            zip(pairwise(sizes), pairwise((shape[0], *channels)), strict=True)
        ):
            stride = tuple(1 + (n < m) for n, m in zip(after, before, strict=True))
            layers.append(conv_nd(len(stride), width_in, width, stride=stride))
            if normalise and stage > 0:
                layers.append(group_norm(width))
            layers.append(activation())
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.readout = nn.Linear(channels[-1] * math.prod(sizes[-1]), out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, out)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        out: Tensor = self.readout(self.features(x))
        return out


class ConvDecoder(nn.Module):
    """(B, latent) -> (B, *D): the mirror image of :class:`ConvEncoder` with the same ``channels``. It repeats
    values to the size of each stage and convolves, which leaves no checkerboard and fits odd sizes
    (4 -> 7 -> 14 -> 28). The output is linear.
    """

    def __init__(self, shape: tuple[int, ...], latent: int, channels: tuple[int, ...] = (32, 64)) -> None:
        super().__init__()
        _check_widths(channels, latent)
        self.latent = latent
        dim = len(shape) - 1
        *self.sizes, smallest = _pyramid(shape, len(channels))
        self.smallest = (channels[-1], *smallest)
        self.entry = nn.Linear(latent, channels[-1] * math.prod(smallest))
        self.stages = nn.ModuleList(
            nn.Sequential(group_norm(above), nn.SiLU(), conv_nd(dim, above, below))
            for below, above in reversed(list(pairwise((channels[0], *channels))))
        )
        self.head = nn.Sequential(group_norm(channels[0]), nn.SiLU(), conv_nd(dim, channels[0], shape[0]))

    def forward(self, z: Tensor) -> Tensor:
        """(B, latent) -> (B, *D)."""
        if z.shape[1:] != (self.latent,):
            raise ValueError(f"got z {tuple(z.shape)}, expected (B, {self.latent}); draw latents of that size")
        h = self.entry(z).unflatten(1, self.smallest)
        for stage, size in zip(self.stages, reversed(self.sizes), strict=True):
            h = stage(F.interpolate(h, size=size, mode="nearest"))
        out: Tensor = self.head(h)
        return out
