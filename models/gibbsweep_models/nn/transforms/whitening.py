"""Invertible linear maps that give data mean 0 and covariance (nearly) the identity, with their determinants."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Each component by itself: z = (x - mean) / s, s² = variance + ``floor``². ``floor`` (in units of x) bounds the
    magnification of components that data hardly moves.

    >>> standardise = Standardise((4,))
    >>> standardise.fit(torch.randn(50, 4))
    >>> standardise(torch.zeros(3, 4)).shape
    torch.Size([3, 4])
    """

    mean: Tensor
    """Mean of the fitted data, (*D)."""
    scale: Tensor
    """s, (*D)."""

    def __init__(self, shape: tuple[int, ...], floor: float = 0.1) -> None:
        super().__init__()
        _check_floor(floor)
        self.floor = floor
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Set mean and scale by examples (N, *D)."""
        self.mean.copy_(x.mean(dim=0))
        self.scale.copy_((x.var(dim=0, correction=0) + self.floor**2).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, *D)."""
        return (x - self.mean) / self.scale

    def inverse(self, z: Tensor) -> Tensor:
        """(B, *D) -> (B, *D)."""
        return z * self.scale + self.mean

    def log_determinant(self) -> float:
        """log |∂z/∂x|, the same everywhere."""
        return -float(self.scale.double().log().sum())


class SpectralWhitening(nn.Module):
    """Images (C, H, W) whitened as if their statistics did not depend on the place: at every spatial frequency the C
    channels are decorrelated and scaled to variance 1 (zero-phase, as ZCA; Olshausen & Field 1996 for one channel).

    A covariance of all pixels would take seconds to decompose and 10⁴ examples to estimate; this one has H · W matrices
    of C × C. ``floor``² (in units of x²) is added to every eigenvalue.

    >>> whitening = SpectralWhitening((1, 4, 4))
    >>> whitening.fit(torch.randn(50, 1, 4, 4))
    >>> whitening(torch.zeros(3, 1, 4, 4)).shape
    torch.Size([3, 1, 4, 4])
    """

    mean: Tensor
    whitener: Tensor
    colourer: Tensor
    log_det: Tensor

    def __init__(self, shape: tuple[int, ...], floor: float = 0.1) -> None:
        super().__init__()
        _check_floor(floor)
        if len(shape) != 3:
            raise ValueError(
                f"spectral whitening is defined on images (C, H, W): got {tuple(shape)}; standardise instead"
            )
        self.floor = floor
        channels, height, width = shape
        identity = torch.eye(channels).expand(height, width, channels, channels)
        # Real and imaginary part in the last axis: a checkpoint holds real tensors.
        for name in ("whitener", "colourer"):
            self.register_buffer(name, torch.stack([identity, torch.zeros_like(identity)], dim=-1).contiguous())
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("log_det", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Set mean and filters by examples (N, C, H, W)."""
        self.mean.copy_(x.mean(dim=0))
        spectrum = torch.zeros(self.whitener.shape[:-1], dtype=torch.complex128, device=x.device)
        for part in torch.split(x - self.mean, 1000):
            f = torch.fft.fft2(part, norm="ortho")
            spectrum += torch.einsum("bchw,bdhw->hwcd", f, f.conj())
        values, vectors = torch.linalg.eigh(spectrum / len(x))
        values = values.clamp_min(0.0) + self.floor**2  # rounding may leave an eigenvalue of zero below it
        for buffer, power in ((self.whitener, -0.5), (self.colourer, 0.5)):
            matrix = (vectors * values.pow(power)[..., None, :]) @ vectors.mH
            buffer.copy_(torch.view_as_real(matrix))
        self.log_det.copy_(-0.5 * values.log().sum())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return _filtered(x - self.mean, self.whitener)

    def inverse(self, z: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return _filtered(z, self.colourer) + self.mean

    def log_determinant(self) -> float:
        """log |∂z/∂x|, the same everywhere: the DFT is unitary."""
        return float(self.log_det)


def _filtered(x: Tensor, matrices: Tensor) -> Tensor:
    spectrum = torch.einsum("hwcd,bdhw->bchw", torch.view_as_complex(matrices), torch.fft.fft2(x))
    filtered: Tensor = torch.fft.ifft2(spectrum).real
    return filtered.contiguous()


def _check_floor(floor: float) -> None:
    if not floor >= 0.0:
        raise ValueError(f"floor is a standard deviation: got {floor}, expected one >= 0")
