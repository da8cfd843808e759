"""Hole filling without learning, or by one mean image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from gibbsweep_models.noise.masks import check_mask, fill_smoothly, fill_with_mean
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System

Method = Literal["mean_image", "mean_known", "smooth", "biharmonic"]


@dataclass(frozen=True)
class ClassicalInpainterConfig(SignedUnits):
    """A classical method that fills the holes of an image.

    >>> system = ClassicalInpainterConfig("smooth").build(DataSpec((1, 8, 8)))
    >>> x, known = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8) < 0.5
    >>> system.inpaint(x, known, generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    method: Method = "biharmonic"
    """``mean_image``: the mean of the training images; ``mean_known``: the mean of the image's own known pixels,
    channel by channel; ``smooth``: a spline in tension, where networks that fill holes start; ``biharmonic``: the
    smoothest surface through the known pixels (Damelin & Hoang 2018), by scikit-image."""

    def build(self, spec: DataSpec) -> ClassicalInpainterSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        if len(spec.shape) != 3:
            raise ValueError(f"classical inpainters work on images (C, H, W): got {tuple(spec.shape)}")
        if self.method not in ("mean_image", "mean_known", "smooth", "biharmonic"):
            raise ValueError(
                f"got method={self.method!r}, expected 'mean_image', 'mean_known', 'smooth' or 'biharmonic'"
            )
        return ClassicalInpainterSystem(self, spec)


class ClassicalInpainterSystem(System):
    """A classical inpainter; only ``mean_image`` is fitted."""

    mean: Tensor
    """The mean image (C, H, W) of the training data."""

    def __init__(self, config: ClassicalInpainterConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(spec.shape))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Keep the mean image of ``batch["x"]`` (N, C, H, W)."""
        del generator
        self.mean.copy_(batch["x"].mean(dim=0))

    def inpaint(self, x: Tensor, known: Tensor, *, generator: torch.Generator) -> Tensor:
        """The completed images: (B, C, H, W), bool like it -> (B, C, H, W). It draws nothing: every completion is the
        same."""
        del generator
        check_mask(known)
        if self.config.method == "mean_image":
            return torch.where(known, x, self.mean)
        if self.config.method == "smooth":
            return fill_smoothly(x, known)
        flat = fill_with_mean(x, known)
        if self.config.method == "mean_known":
            return flat
        from skimage.restoration import inpaint_biharmonic

        holes = (~known[:, 0]).cpu().numpy()
        # Holes are flat, not empty: scikit-image takes the range of the result from all pixels it is given.
        images = flat.double().cpu().numpy()
        filled = [inpaint_biharmonic(image, hole, channel_axis=0) for image, hole in zip(images, holes, strict=True)]
        return torch.where(known, x, torch.from_numpy(np.stack(filled)).to(x))
