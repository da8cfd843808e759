"""A small strided convolutional network as an energy of images or voxels."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import check_shape, refuse_condition
from gibbsweep_models.nn.layers.activations import Activation, activation_of
from gibbsweep_models.nn.layers.blocks import conv_nd
from gibbsweep_models.nn.layers.spectral_norm import with_spectral_norm


class StridedConv2d(nn.Conv2d):
    """``nn.Conv2d(in, out, kernel, stride=2, padding=kernel // 2)`` for kernel 5, 9, ..., with the same parameters and
    values, computed as a convolution of stride 1 over 2x2 blocks.

    MCMC needs the gradient in the input, and that of a strided convolution of few channels is slow: on a CPU core this
    form of a 1 -> 16 stem is more than twice as fast, forward and backward.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        if kernel_size % 4 != 1:
            raise ValueError(
                f"got kernel_size {kernel_size}, expected 5, 9, ...: its padding must be a whole number of 2x2 blocks; "
                "use nn.Conv2d for other sizes"
            )
        super().__init__(in_channels, out_channels, kernel_size, stride=2, padding=kernel_size // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, ceil(H / 2), ceil(W / 2))."""
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            # One more zero is what the convolution's own padding holds there.
            x = F.pad(x, (0, width % 2, 0, height % 2))
        # The kernel gains a last row and column of zeros, so that it is a whole number of blocks.
        weight = F.pixel_unshuffle(F.pad(self.weight, (0, 1, 0, 1)), 2)
        return F.conv2d(F.pixel_unshuffle(x, 2), weight, self.bias, padding=self.kernel_size[0] // 4)


class ConvEnergy(nn.Module):
    """E(x): (B, C, H, W) -> (B,), or (B, C, X, Y, Z) -> (B,), for sides >= 8: a convolution 5 wide, then ones 3 wide,
    then two linear layers; no normalisation layer.

    Every convolution has stride 2 along the axes that are still at least 4 long and stride 1 along shorter ones, so
    small images keep a 2x2 map: 28 -> 14 -> 7 -> 4 -> 2 and 8 -> 4 -> 2 -> 2 -> 2. ``spectral_norm`` bounds every
    layer's Lipschitz constant but the read-out's, as in Du & Mordatch, "Implicit Generation and Modeling with
    Energy-Based Models" (2019).

    ``confinement``: E(x) = f(x - m) + |x - m|² / (2 confinement²), the Gaussian reference of descriptor networks (Xie
    et al., "Learning Descriptor Networks for 3D Shape Synthesis and Analysis", 2018, equation 1), with m the number
    ``centre``.

    >>> energy = ConvEnergy((1, 8, 8), channels=(4, 8))
    >>> energy(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5])
    """

    centre: Tensor
    """The mean of the data over examples and places, 0 until it is set."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: tuple[int, ...] = (16, 32, 64, 64),
        activation: Activation = "silu",
        spectral_norm: bool = False,
        confinement: float | None = None,
    ) -> None:
        super().__init__()
        if len(shape) not in (3, 4) or min(shape[1:]) < 8:
            raise ValueError(
                "ConvEnergy is defined on images (C, H, W) and voxels (C, X, Y, Z) with sides >= 8: got "
                f"{tuple(shape)}; use MLPEnergy for vectors and small images"
            )
        if not channels or min(channels) < 1:
            raise ValueError(
                f"got channels {channels}, expected at least one positive width; pass channels=(16, 32, 64, 64)"
            )
        if confinement is not None and confinement <= 0:
            raise ValueError(f"got confinement {confinement}, expected a positive standard deviation or None; raise it")
        self.shape = tuple(shape)
        self.confinement = confinement
        if confinement is not None:
            self.register_buffer("centre", torch.zeros(()))
        width_in, *size = shape
        dim = len(size)
        layers: list[nn.Module] = []
        for i, width in enumerate(channels):
            stride = tuple(2 if n >= 4 else 1 for n in size)
            conv: nn.Module
            if i == 0 and dim == 2:  # both sides are at least 8, so the stem strides by 2 along both
                conv = StridedConv2d(width_in, width, 5)
            else:
                conv = conv_nd(dim, width_in, width, 5 if i == 0 else 3, stride)
            layers += [with_spectral_norm(conv, spectral_norm), activation_of(activation)]
            width_in = width
            size = [(n - 1) // s + 1 for n, s in zip(size, stride, strict=True)]
        hidden: nn.Module = nn.Linear(width_in * math.prod(size), channels[-1])
        layers += [nn.Flatten(), with_spectral_norm(hidden, spectral_norm), activation_of(activation)]
        self.features = nn.Sequential(*layers)
        # A bias would shift E by a constant, which no density sees.
        self.readout = nn.Linear(channels[-1], 1, bias=False)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        refuse_condition(cond, self)
        check_shape(x, self.shape)
        if self.confinement is not None:
            x = x - self.centre
        h = self.features(x)
        # Under autocast a bfloat16 sum would round energies to 3 significant digits; this layer costs next to nothing.
        with torch.autocast(x.device.type, enabled=False):
            energy: Tensor = self.readout(h.to(self.readout.weight.dtype)).squeeze(1)
        if self.confinement is not None:
            energy = energy + x.flatten(1).square().sum(dim=1) / (2.0 * self.confinement**2)
        return energy
