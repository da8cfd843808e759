"""Random views of images: crop and resize, mirror, change the colours. In batches, on tensors, from a generator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models.draws import rand

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True)
class Augmentation:
    """One random view of each image of a batch in [-1, 1], drawn anew for every example (Chen et al., "A Simple
    Framework for Contrastive Learning of Visual Representations", 2020, appendix A). Pictures of one channel have
    brightness and contrast alone.

    >>> Augmentation(crop=(0.5, 1.0))(torch.zeros(3, 1, 8, 8), generator=seeded(0)).shape
    torch.Size([3, 1, 8, 8])
    """

    crop: tuple[float, float] = (0.2, 1.0)
    """Smallest and largest share of the picture's area that a crop keeps, resized to the whole size."""
    aspect: float = 4 / 3
    """Largest ratio of a crop's sides, relative to the picture's."""
    flip: float = 0.5
    """Probability of a mirror image."""
    jitter: float = 0.8
    """Probability of a change of colour."""
    strength: float = 0.5
    """Its strength: brightness, contrast and saturation are multiplied by a factor within 1 ± 0.8 ``strength``, and the
    hue is turned by at most 0.2 ``strength`` of a circle, as in the paper."""
    grey: float = 0.2
    """Probability of losing the colours."""

    def __post_init__(self) -> None:
        low, high = self.crop
        if not 0 < low <= high <= 1:
            raise ValueError(f"got crop={self.crop}, expected shares 0 < low <= high <= 1; (0.2, 1.0) is common")
        if self.aspect < 1:
            raise ValueError(f"got aspect={self.aspect}, expected at least 1, which keeps the picture's; 4/3 is common")
        probabilities = (self.flip, self.jitter, self.grey)
        if not all(0 <= p <= 1 for p in probabilities) or not 0 <= self.strength <= 1:
            raise ValueError(
                f"got flip, jitter, grey={probabilities} and strength={self.strength}; expected numbers from 0 to 1; "
                "pass 0 to switch one off"
            )

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """(B, C, H, W) in [-1, 1] -> a view of each, of the same shape, range and memory layout."""
        if x.ndim != 4:
            raise ValueError(f"views are made of images (B, C, H, W): got {tuple(x.shape)}; reshape the data")
        chance = rand((len(x), 12), generator=generator)
        view = F.grid_sample(
            x, self._grid(x, chance[:, :5]), mode="bilinear", padding_mode="reflection", align_corners=False
        )
        if self.jitter > 0 or self.grey > 0:
            view = self._colours(view, chance[:, 5:])
        if x.is_contiguous(memory_format=torch.channels_last):
            view = view.contiguous(memory_format=torch.channels_last)
        return view

    def _grid(self, x: Tensor, chance: Tensor) -> Tensor:
        """The place of each pixel of the views in the pictures, (B, H, W, 2)."""
        low, high = self.crop
        area = low + (high - low) * chance[:, 0]
        root_ratio = torch.exp((chance[:, 1] - 0.5) * math.log(self.aspect))
        width, height = (area.sqrt() * root_ratio).clamp(max=1.0), (area.sqrt() / root_ratio).clamp(max=1.0)
        mirror = torch.where(chance[:, 4] < self.flip, -1.0, 1.0)
        affine = x.new_zeros(len(x), 2, 3)
        affine[:, 0, 0], affine[:, 1, 1] = width * mirror, height
        affine[:, 0, 2] = (2 * chance[:, 2] - 1) * (1 - width)
        affine[:, 1, 2] = (2 * chance[:, 3] - 1) * (1 - height)
        return F.affine_grid(affine, list(x.shape), align_corners=False)

    def _colours(self, x: Tensor, chance: Tensor) -> Tensor:
        """Brightness, contrast, saturation, hue and greyness: one linear map of each picture's channels."""
        n, channels = x.shape[:2]
        jittered = chance[:, 0] < self.jitter
        factors = 1 + 0.8 * self.strength * (2 * chance[:, 1:4] - 1)
        brightness, contrast, saturation = torch.where(jittered[:, None], factors, 1.0).unbind(1)
        unit = (x + 1) / 2
        eye = torch.eye(channels, device=x.device)
        colour = eye.expand(n, channels, channels)
        if channels == 3:
            luma = torch.tensor(_LUMA, device=x.device).expand(3, 3)
            saturation = torch.where(chance[:, 5] < self.grey, 0.0, saturation)
            turn = torch.where(jittered, 0.2 * self.strength * (2 * chance[:, 4] - 1), 0.0)
            colour = luma + saturation[:, None, None] * (eye - luma)
            colour = colour @ _hue_rotation(turn * 2 * torch.pi)
        grey_level = unit.mean(dim=(1, 2, 3)) if channels == 1 else _grey(unit).mean(dim=(1, 2))
        matrix = (brightness * contrast)[:, None, None] * colour
        offset = brightness * (1 - contrast) * grey_level
        mapped = torch.baddbmm(offset[:, None, None], matrix, unit.flatten(2)).view_as(x)
        return mapped.clamp_(0, 1).mul_(2).sub_(1)


def _grey(unit: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, H, W)."""
    return torch.einsum("bchw,c->bhw", unit, torch.tensor(_LUMA, device=unit.device))


def _hue_rotation(angle: Tensor) -> Tensor:
    """(B,) radians -> (B, 3, 3): a turn of the two colour axes of YIQ, which leaves the luma."""
    to_yiq = torch.tensor(
        [_LUMA, (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135)], device=angle.device
    )
    turn = torch.zeros(len(angle), 3, 3, device=angle.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -angle.sin(), angle.sin()
    rotation: Tensor = torch.linalg.inv(to_yiq) @ turn @ to_yiq
    return rotation
