"""Convolutional encoders and decoders of images, shared by the GAN, the VAE and the autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.blocks import group_norm


def _pyramid(shape: tuple[int, ...], n_stages: int) -> list[tuple[int, int]]:
    """(H, W) before the first stage and after each: halved, rounded up, along axes that are still at least 4 long."""
    if len(shape) != 3 or min(shape[1:]) < 8:
        raise ValueError(
            f"convolutional encoders and decoders are defined on images (C, H, W) with H, W >= 8: got {tuple(shape)}; "
            "reshape or pad the data to that"
        )
    sizes = [(shape[1], shape[2])]
    for _ in range(n_stages):
        height, width = sizes[-1]
        sizes.append((_halved(height), _halved(width)))
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
    """(B, C, H, W) -> (B, out): one 3x3 convolution of stride 2 per entry of ``channels`` (stride 1 along axes shorter
    than 4), then a linear layer. ``normalise`` puts group norm behind each convolution but the first.
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
            stride = (1 + (after[0] < before[0]), 1 + (after[1] < before[1]))
            layers.append(nn.Conv2d(width_in, width, 3, stride, padding=1))
            if normalise and stage > 0:
                layers.append(group_norm(width))
            layers.append(activation())
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.readout = nn.Linear(channels[-1] * sizes[-1][0] * sizes[-1][1], out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        out: Tensor = self.readout(self.features(x))
        return out


class ConvDecoder(nn.Module):
    """(B, latent) -> (B, C, H, W): the mirror image of :class:`ConvEncoder` with the same ``channels``. It repeats
    values to the size of each stage and convolves, which leaves no checkerboard and fits odd sizes
    (4 -> 7 -> 14 -> 28). The output is linear.
    """

    def __init__(self, shape: tuple[int, ...], latent: int, channels: tuple[int, ...] = (32, 64)) -> None:
        super().__init__()
        _check_widths(channels, latent)
        self.latent = latent
        *self.sizes, smallest = _pyramid(shape, len(channels))
        self.smallest = (channels[-1], *smallest)
        self.entry = nn.Linear(latent, channels[-1] * smallest[0] * smallest[1])
        self.stages = nn.ModuleList(
            nn.Sequential(group_norm(above), nn.SiLU(), nn.Conv2d(above, below, 3, padding=1))
            for below, above in reversed(list(pairwise((channels[0], *channels))))
        )
        self.head = nn.Sequential(group_norm(channels[0]), nn.SiLU(), nn.Conv2d(channels[0], shape[0], 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """(B, latent) -> (B, C, H, W)."""
        if z.shape[1:] != (self.latent,):
            raise ValueError(f"got z {tuple(z.shape)}, expected (B, {self.latent}); draw latents of that size")
        h = self.entry(z).unflatten(1, self.smallest)
        for stage, size in zip(self.stages, reversed(self.sizes), strict=True):
            h = stage(F.interpolate(h, size=size, mode="nearest"))
        out: Tensor = self.head(h)
        return out
