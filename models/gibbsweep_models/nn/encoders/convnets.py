"""Convolutional encoders and decoders of waveforms, images and voxels, shared by the GAN, the VAE and the
autoencoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import conv_nd, group_norm
from gibbsweep_models.nn.layers.phase_shuffle import phase_shuffle

_FACTOR = {1: 4, 2: 2, 3: 2}
"""Factor by which a stage shortens every axis, by the number of axes."""
_KERNEL = {1: 25, 2: 3, 3: 3}
"""Width of the kernels: as wide as WaveGAN's for waveforms (Donahue et al. 2019), whose samples say little alone."""


def _pyramid(shape: tuple[int, ...], n_stages: int) -> list[tuple[int, ...]]:
    """Lengths of the axes before the first stage and after each: a half, of waveforms a quarter, rounded up, where at
    least two places are left of it."""
    if len(shape) not in (2, 3, 4) or min(shape[1:]) < 8:
        raise ValueError(
            "convolutional encoders and decoders are defined on waveforms (C, L), images (C, H, W) and voxels (C, X, "
            f"Y, Z) with sides >= 8: got {tuple(shape)}; reshape or pad the data to that"
        )
    factor = _FACTOR[len(shape) - 1]
    sizes = [tuple(shape[1:])]
    for _ in range(n_stages):
        sizes.append(tuple(-(-n // factor) if n >= 2 * factor else n for n in sizes[-1]))
    return sizes


def _check_widths(channels: tuple[int, ...], vector: int) -> None:
    if not channels or min(channels) < 1 or vector < 1:
        raise ValueError(
            f"got channels {channels} and a vector of {vector}, expected at least one stage and positive widths; "
            "pass channels=(32, 64)"
        )


class ConvEncoder(nn.Module):
    """Convolutions and a linear layer, (B, C, H, W) or (B, C, X, Y, Z) -> (B, out): one convolution, 3 wide and of
    stride 2, per entry of ``channels`` (stride 1 along axes shorter than 4), then the linear layer; for waveforms (B,
    C, L) convolutions are 25 wide and of stride 4.

    ``normalise`` puts group norm behind each convolution but the first. ``shuffle``: largest random shift of a
    waveform's maps between stages, see :func:`~gibbsweep_models.nn.layers.phase_shuffle.phase_shuffle`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        out: int,
        channels: tuple[int, ...] = (32, 64),
        normalise: bool = True,
        activation: Callable[[], nn.Module] = nn.SiLU,
        shuffle: int = 0,
    ) -> None:
        super().__init__()
        _check_widths(channels, out)
        self.shape = tuple(shape)
        sizes = _pyramid(shape, len(channels))
        if shuffle and (len(shape) != 2 or not 0 < shuffle < sizes[-2][0]):
            raise ValueError(
                f"got shuffle={shuffle} for examples {tuple(shape)} and {len(channels)} stages, expected waveforms (C, "
                "L) and a shift smaller than their shortest map; pass 0 or fewer stages"
            )
        self.shuffle = shuffle
        layers: list[nn.Module] = []
        for stage, ((before, after), (width_in, width)) in enumerate(
            zip(pairwise(sizes), pairwise((shape[0], *channels)), strict=True)
        ):
            dim = len(before)
            stride = tuple(_FACTOR[dim] if n < m else 1 for n, m in zip(after, before, strict=True))
            layers.append(conv_nd(dim, width_in, width, _KERNEL[dim], stride))
            if normalise and stage > 0:
                layers.append(group_norm(width))
            layers.append(activation())
        self._stages = [i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv1d)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.readout = nn.Linear(channels[-1] * math.prod(sizes[-1]), out)

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The output, (B, *D) -> (B, out). Maps are shuffled where there is a ``generator`` to draw the shifts."""
        out: Tensor = self.readout(self.represent(x, generator=generator))
        return out

    def represent(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The last maps, flattened, which the linear layer reads: (B, *D) -> (B, F)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        if generator is None or not self.shuffle:
            features: Tensor = self.features(x)
            return features
        h = x
        for i, layer in enumerate(self.features):
            if i in self._stages[1:]:
                h = phase_shuffle(h, self.shuffle, generator=generator)
            maps: Tensor = layer(h)
            h = maps
        return h


class ConvDecoder(nn.Module):
    """The mirror image of :class:`ConvEncoder` with the same ``channels``, (B, latent) -> (B, *D). It repeats values to
    the size of each stage and convolves, which leaves no checkerboard and fits odd sizes (4 -> 7 -> 14 -> 28). The
    output is linear."""

    def __init__(self, shape: tuple[int, ...], latent: int, channels: tuple[int, ...] = (32, 64)) -> None:
        super().__init__()
        _check_widths(channels, latent)
        self.latent = latent
        dim = len(shape) - 1
        *self.sizes, smallest = _pyramid(shape, len(channels))
        self.smallest = (channels[-1], *smallest)
        self.entry = nn.Linear(latent, channels[-1] * math.prod(smallest))
        self.stages = nn.ModuleList(
            nn.Sequential(group_norm(above), nn.SiLU(), conv_nd(dim, above, below, _KERNEL[dim]))
            for below, above in reversed(list(pairwise((channels[0], *channels))))
        )
        self.head = nn.Sequential(group_norm(channels[0]), nn.SiLU(), conv_nd(dim, channels[0], shape[0], _KERNEL[dim]))

    def forward(self, z: Tensor) -> Tensor:
        """(B, latent) -> (B, *D)."""
        if z.shape[1:] != (self.latent,):
            raise ValueError(f"got z {tuple(z.shape)}, expected (B, {self.latent}); draw latents of that size")
        h = self.entry(z).unflatten(1, self.smallest)
        for stage, size in zip(self.stages, reversed(self.sizes), strict=True):
            h = stage(F.interpolate(h, size=size, mode="nearest"))
        out: Tensor = self.head(h)
        return out
