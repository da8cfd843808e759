"""A residual convolutional network with one block of self-attention as an energy of images."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.energies.conv import StridedConv2d
from gibbsweep_models.nn.gradients import check_shape, refuse_condition
from gibbsweep_models.nn.layers.activations import Activation, activation_of
from gibbsweep_models.nn.layers.blocks import halve
from gibbsweep_models.nn.layers.spectral_norm import with_spectral_norm


class SelfAttention(nn.Module):
    """x + gain · attention(x): every place of an image looks at every other (Zhang et al., "Self-Attention Generative
    Adversarial Networks", 2019). ``gain`` starts at 0, so a new block is the identity.

    It is written out, because a chain's gradient may be differentiated again (the KL term of improved contrastive
    divergence), which fused kernels do not offer.
    """

    def __init__(self, channels: int, spectral_norm: bool = False) -> None:
        super().__init__()
        self.inner = max(1, channels // 4)
        self.query = with_spectral_norm(nn.Conv2d(channels, self.inner, 1, bias=False), spectral_norm)
        self.key = with_spectral_norm(nn.Conv2d(channels, self.inner, 1, bias=False), spectral_norm)
        self.value = with_spectral_norm(nn.Conv2d(channels, channels, 1, bias=False), spectral_norm)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        query, key, value = (part(x).flatten(2) for part in (self.query, self.key, self.value))
        weights = torch.softmax(query.transpose(1, 2) @ key / math.sqrt(self.inner), dim=2)  # (B, HW, HW)
        attended = value @ weights.transpose(1, 2)
        out: Tensor = x + self.gain * attended.view(x.shape)
        return out


class PlainResidualBlock(nn.Module):
    """shortcut(x) + conv(s(conv(s(x)))), halved where ``down``. No normalisation layer: it would hide from an energy
    how strongly a pattern is present (Du & Mordatch 2019, appendix A)."""

    def __init__(
        self, channels_in: int, channels_out: int, activation: Activation, down: bool, spectral_norm: bool
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            activation_of(activation),
            with_spectral_norm(nn.Conv2d(channels_in, channels_out, 3, padding=1), spectral_norm),
            activation_of(activation),
            with_spectral_norm(nn.Conv2d(channels_out, channels_out, 3, padding=1), spectral_norm),
        )
        self.shortcut = (
            nn.Identity()
            if channels_in == channels_out
            else with_spectral_norm(nn.Conv2d(channels_in, channels_out, 1, bias=False), spectral_norm)
        )
        self.down = halve(2) if down else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W), or half as high and wide."""
        out: Tensor = self.down(self.shortcut(x) + self.branch(x))
        return out


class SpatialMean(nn.Module):
    """The mean over all places of an image."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C)."""
        return x.mean(dim=(2, 3))


class ResidualEnergy(nn.Module):
    """E(x): (B, C, H, W) -> (B,) for H, W >= 8: a 5x5 convolution of stride 2, one residual block for every further
    entry of ``channels`` that halves maps of at least 4x4, attention where maps are about 7x7, the mean over the image,
    two linear layers.

    The residual energy of Du & Mordatch, "Implicit Generation and Modeling with Energy-Based Models" (2019), with
    attention as in Du, Li, Tenenbaum & Mordatch, "Improved Contrastive Divergence Training of Energy-Based Models"
    (2021), small. ``spectral_norm`` bounds every layer's Lipschitz constant but the read-out's.

    >>> energy = ResidualEnergy((1, 8, 8), channels=(4, 8))
    >>> energy(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: tuple[int, ...] = (16, 32, 64),
        activation: Activation = "silu",
        spectral_norm: bool = False,
    ) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape[1:]) < 8:
            raise ValueError(
                f"ResidualEnergy is defined on images (C, H, W) with H, W >= 8: got {tuple(shape)}; use MLPEnergy for "
                "vectors and small images"
            )
        if not channels or min(channels) < 1:
            raise ValueError(
                f"got channels {channels}, expected at least one positive width; pass channels=(16, 32, 64)"
            )
        self.shape = tuple(shape)
        side = (min(shape[1:]) + 1) // 2
        layers: list[nn.Module] = [with_spectral_norm(StridedConv2d(shape[0], channels[0], 5), spectral_norm)]
        attended = False
        for width_in, width in pairwise(channels):
            down = side >= 4
            layers.append(PlainResidualBlock(width_in, width, activation, down, spectral_norm))
            side = (side + 1) // 2 if down else side
            if not attended and side <= 8:  # the first maps whose places can all look at one another cheaply
                layers.append(SelfAttention(width, spectral_norm))
                attended = True
        if not attended:
            layers.append(SelfAttention(channels[-1], spectral_norm))
        last = channels[-1]
        layers += [activation_of(activation), SpatialMean()]
        layers += [with_spectral_norm(nn.Linear(last, last), spectral_norm), activation_of(activation)]
        self.features = nn.Sequential(*layers)
        # A bias would shift E by a constant, which no density sees.
        self.readout = nn.Linear(last, 1, bias=False)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, C, H, W) -> (B,)."""
        refuse_condition(cond, self)
        check_shape(x, self.shape)
        h = self.features(x)
        # Under autocast a bfloat16 sum would round energies to 3 significant digits; this layer costs next to nothing.
        with torch.autocast(x.device.type, enabled=False):
            energy: Tensor = self.readout(h.to(self.readout.weight.dtype)).squeeze(1)
        return energy
