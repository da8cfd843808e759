"""Masks of known pixels: holes for inpainting, cut by evaluators and by training alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.draws import rand, randint


class Mask(Protocol):
    """A way to cut holes into images."""

    @property
    def name(self) -> str: ...

    def known(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Bool like ``x`` (B, C, H, W), True where a pixel is known, in all channels alike."""
        ...


@dataclass(frozen=True)
class CentreMask:
    """A square hole in the middle.

    >>> CentreMask(4).known(torch.zeros(2, 1, 8, 8), generator=seeded(0)).sum()
    tensor(96)
    """

    size: int
    """Side of the hole, in pixels."""

    @property
    def name(self) -> str:
        return f"centre{self.size}"

    def known(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W) -> bool (B, C, H, W). It draws nothing."""
        del generator
        top, left = ((side - self.size) // 2 for side in x.shape[2:])
        known = torch.ones_like(x, dtype=torch.bool)
        known[:, :, max(0, top) : top + self.size, max(0, left) : left + self.size] = False
        return check_mask(known)


@dataclass(frozen=True)
class RandomMask:
    """Unknown pixels, each drawn by itself.

    >>> RandomMask(0.5).known(torch.zeros(2, 1, 8, 8), generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    share: float
    """Probability that a pixel is unknown."""

    @property
    def name(self) -> str:
        return f"random{round(100 * self.share)}"

    def known(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W) -> bool (B, C, H, W)."""
        draw = rand((len(x), 1, *x.shape[2:]), generator=generator).to(x.device)
        return check_mask((draw >= self.share).expand_as(x))


@dataclass(frozen=True)
class MixedMask:
    """Masks for training: each image by itself loses single pixels or a square anywhere in it.

    >>> MixedMask(largest=8).known(torch.zeros(2, 1, 8, 8), generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    share_random: float = 0.33
    """Probability that an image loses single pixels."""
    share: float = 0.5
    """Probability that a single pixel is unknown."""
    smallest: int = 6
    """Smallest side of a square."""
    largest: int = 18
    """Largest side of a square."""

    @property
    def name(self) -> str:
        return "mixed"

    def known(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W) -> bool (B, C, H, W)."""
        n, _, height, width = x.shape
        largest = min(self.largest, height - 1, width - 1)
        smallest = min(self.smallest, largest)
        size = smallest + randint(largest - smallest + 1, (n,), generator=generator)
        place = rand((n, 2), generator=generator)
        top = (place[:, 0] * (height - size + 1)).long().view(n, 1, 1, 1)
        left = (place[:, 1] * (width - size + 1)).long().view(n, 1, 1, 1)
        size = size.view(n, 1, 1, 1)
        row = torch.arange(height, device=size.device).view(1, 1, height, 1)
        column = torch.arange(width, device=size.device).view(1, 1, 1, width)
        square = (row >= top) & (row < top + size) & (column >= left) & (column < left + size)
        single = rand((n, 1, height, width), generator=generator) < self.share
        is_random = (rand((n,), generator=generator) < self.share_random).view(n, 1, 1, 1)
        return ~torch.where(is_random, single, square).to(x.device).expand_as(x)


def check_mask(known: Tensor) -> Tensor:
    """``known`` (B, *D), bool, or an error where an image has nothing known or nothing to fill."""
    if known.dtype != torch.bool:
        raise ValueError(
            f"a mask is bool, True where a pixel is known: got {known.dtype}; pass known=mask > 0.5 or the like"
        )
    count = known.flatten(1).sum(dim=1)
    if bool((count == 0).any()):
        raise ValueError("this mask covers all of an image, so that nothing is known of it: make the hole smaller")
    if bool((count == known[0].numel()).any()):
        raise ValueError("this mask covers nothing of an image, so that there is nothing to fill: make the hole larger")
    return known


def fill_with_mean(x: Tensor, known: Tensor) -> Tensor:
    """``x`` (B, C, *S) with the mean of the known pixels of the same image and channel in place of the others."""
    axes = tuple(range(2, x.ndim))
    total = x.where(known, 0.0).sum(dim=axes, keepdim=True)
    return torch.where(known, x, total / known.sum(dim=axes, keepdim=True))


_SWEEPS = 30
_BENDING = 0.85
"""Share of curvature in the surface's energy; the rest is tension, without which it overshoots in large holes."""


def fill_smoothly(x: Tensor, known: Tensor) -> Tensor:
    """``x`` (B, C, H, W) with a spline in tension through the known pixels in place of the others (Smith & Wessel
    1990), nearly solved: means over ever larger blocks of known pixels, interpolated back (push-pull, Gortler et al.
    1996), then descent with momentum on tension alone and on tension and curvature. Only known pixels are read."""
    filled = _descend(_push_pull(x, known), x, known, bending=0.0, step=0.5, momentum=0.8)
    return _descend(filled, x, known, bending=_BENDING, step=0.3, momentum=0.9)


def _descend(filled: Tensor, x: Tensor, known: Tensor, *, bending: float, step: float, momentum: float) -> Tensor:
    velocity = torch.zeros_like(filled)
    for _ in range(_SWEEPS):
        slope = _laplacian(filled)
        force = (1 - bending) * slope - bending * _laplacian(slope) if bending else slope
        velocity = (momentum * velocity + step * force).masked_fill(known, 0.0)
        filled = torch.where(known, x, filled + velocity)
    return filled


def _laplacian(x: Tensor) -> Tensor:
    edged = F.pad(x, (1, 1, 1, 1), mode="replicate")
    across, down = edged[..., 1:-1, :-2] + edged[..., 1:-1, 2:], edged[..., :-2, 1:-1] + edged[..., 2:, 1:-1]
    return (across + down) / 4 - x


def _push_pull(x: Tensor, known: Tensor) -> Tensor:
    values = x.where(known, 0.0)
    if max(x.shape[2:]) == 1:
        return values
    total = F.avg_pool2d(known.to(x.dtype), 2, ceil_mode=True)
    coarse = F.avg_pool2d(values, 2, ceil_mode=True) / total.where(total > 0, 1.0)
    filled = _push_pull(coarse, total > 0)
    smooth = F.interpolate(filled, size=x.shape[2:], mode="bilinear", align_corners=False)
    return torch.where(known, x, smooth)
