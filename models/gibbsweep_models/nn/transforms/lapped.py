"""Waveforms as bands of frequency over time, by a transform that loses nothing, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def lapped_basis(n_bands: int) -> Tensor:
    """The ``n_bands`` functions (n_bands, 2 n_bands) of the modified discrete cosine transform with a sine window:
    sqrt(2 / N) sin(pi (n + 1/2) / 2N) cos(pi / N (n + 1/2 + N / 2) (k + 1/2)). Blocks that overlap by half are
    orthonormal (Princen & Bradley, "Analysis/Synthesis Filter Bank Design Based on Time Domain Aliasing Cancellation",
    1986)."""
    n = torch.arange(2 * n_bands, dtype=torch.float64) + 0.5
    k = torch.arange(n_bands, dtype=torch.float64) + 0.5
    window = (math.pi * n / (2 * n_bands)).sin()
    waves = (math.pi / n_bands * k[:, None] * (n + n_bands / 2)).cos()
    return (math.sqrt(2 / n_bands) * window * waves).float()


class LappedBands(nn.Module):
    """Waveforms (B, C, L) as ``n_bands`` bands of L / ``n_bands`` frames, (B, C, n_bands, L / n_bands), lowest
    frequency first: an orthogonal map, so noise that is white stays white and :meth:`waveform` is the exact inverse.
    The last block laps over onto the beginning of the waveform.

    >>> bands = LappedBands((1, 64), n_bands=8)
    >>> x = torch.ones(2, 1, 64)
    >>> bands(x).shape, bool((bands.waveform(bands(x)) - x).abs().max() < 1e-5)
    (torch.Size([2, 1, 8, 8]), True)
    """

    basis: Tensor
    """The functions of one block, (n_bands, 2 n_bands)."""

    def __init__(self, shape: tuple[int, ...], n_bands: int) -> None:
        super().__init__()
        if len(shape) != 2 or n_bands < 1 or shape[1] % n_bands or shape[1] < 2 * n_bands:
            raise ValueError(
                f"got {n_bands} bands of examples {tuple(shape)}, expected waveforms (C, L) with L a multiple of the "
                "bands, two at least; pass fewer bands, or cut the waveforms"
            )
        self.n_bands = n_bands
        self.shape = (shape[0], n_bands, shape[1] // n_bands)
        self.register_buffer("basis", lapped_basis(n_bands), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, n_bands, L / n_bands)."""
        around = torch.cat([x, x[..., : self.n_bands]], dim=-1)
        frames = around.unfold(-1, 2 * self.n_bands, self.n_bands) @ self.basis.to(x.dtype).T
        return frames.transpose(-1, -2).contiguous()  # noise is drawn in the order of the memory

    def waveform(self, bands: Tensor) -> Tensor:
        """(B, C, n_bands, L / n_bands) -> (B, C, L)."""
        early, late = (bands.transpose(-1, -2) @ self.basis.to(bands.dtype)).chunk(2, dim=-1)
        overlapped: Tensor = early + late.roll(1, dims=-2)
        return overlapped.flatten(-2)


class CompandedBands(nn.Module):
    """The coefficients c of :class:`LappedBands`, each band divided by its deviation s over the training data, and
    companded: z = sign(c) sqrt(|c| / s). Speech is some hundred times louder in its lowest bands than in its highest,
    and silent most of the time; after the two steps all bands are alike and their kurtosis is about 7 instead of 88, so
    that one noise level means the same everywhere. :meth:`waveform` is the exact inverse.

    >>> view = CompandedBands((1, 64), n_bands=8)
    >>> view(torch.zeros(2, 1, 64)).shape
    torch.Size([2, 1, 8, 8])
    """

    deviation: Tensor
    """s of each band, (n_bands, 1)."""

    def __init__(self, shape: tuple[int, ...], n_bands: int) -> None:
        super().__init__()
        self.bands = LappedBands(shape, n_bands)
        self.shape = self.bands.shape
        self.register_buffer("deviation", torch.ones(n_bands, 1))

    def measure(self, x: Tensor) -> None:
        """Measure the deviations on the waveforms ``x`` (N, C, L). A band without sound keeps a deviation of one
        millionth of the loudest band's."""
        deviation = self.bands(x).square().mean((0, 1, 3)).sqrt()
        if not bool(deviation.max() > 0):
            raise ValueError("got waveforms that are silent throughout, expected sound; check the data")
        self.deviation.copy_(deviation.clamp(min=1e-6 * float(deviation.max()))[:, None])

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, n_bands, L / n_bands)."""
        c: Tensor = self.bands(x) / self.deviation
        return c.sign() * c.abs().sqrt()

    def waveform(self, z: Tensor) -> Tensor:
        """(B, C, n_bands, L / n_bands) -> (B, C, L)."""
        waveform: Tensor = self.bands.waveform(z * z.abs() * self.deviation)
        return waveform
