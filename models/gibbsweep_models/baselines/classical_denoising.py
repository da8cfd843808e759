"""Denoisers without learning: non-local means and total variation, by scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep_models.noise.estimate import estimate_sigma
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System

Method = Literal["nl_means", "tv"]


@dataclass(frozen=True)
class ClassicalDenoiserConfig(SignedUnits):
    """A classical denoiser of images. Where the noise level is not given, it is estimated from the image.

    >>> system = ClassicalDenoiserConfig("tv").build(DataSpec((1, 8, 8)))
    >>> x = torch.rand(2, 1, 8, 8)
    >>> system.denoise(x, None, generator=seeded(0)).shape
    torch.Size([2, 1, 8, 8])
    """

    method: Method = "nl_means"
    """``nl_means``: non-local means (Buades et al. 2005); ``tv``: total variation (Chambolle 2004)."""
    strength: float = 0.8
    """Non-local means' cut-off h, or the weight of total variation, as a multiple of the noise level in [0, 1] pixel
    units."""
    patch_size: int = 5
    """Side of the patches that non-local means compares, in pixels."""
    patch_distance: int = 6
    """How far apart non-local means compares patches, in pixels."""

    def build(self, spec: DataSpec) -> ClassicalDenoiserSystem:
        """The system for images of ``spec.shape`` (C, H, W) in [-1, 1]."""
        self.check_units(spec)
        if len(spec.shape) != 3:
            raise ValueError(f"classical denoisers work on images (C, H, W): got {tuple(spec.shape)}")
        if self.method not in ("nl_means", "tv") or self.strength <= 0:
            raise ValueError(
                f"got method={self.method!r} and strength={self.strength}, expected 'nl_means' or 'tv' and a positive "
                "strength; correct the one that is out of range"
            )
        return ClassicalDenoiserSystem(self)


class ClassicalDenoiserSystem(System):
    """A denoiser of one image at a time, on the CPU. Nothing is fitted: the strength is a number of the
    configuration."""

    def __init__(self, config: ClassicalDenoiserConfig) -> None:
        super().__init__()
        self.config = config

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Do nothing: there is nothing to learn."""

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        """The denoised images: (B, C, H, W), and (B,) or None where the level is to be estimated -> (B, C, H, W)."""
        del generator
        levels = (estimate_sigma(x) if sigma is None else sigma).tolist()
        # scikit-image takes images in [0, 1], where a standard deviation is half of that in [-1, 1].
        images = ((x + 1) / 2).double().cpu().numpy()
        one = self._nl_means if self.config.method == "nl_means" else self._tv
        restored = [one(image, level / 2) for image, level in zip(images, levels, strict=True)]
        return torch.from_numpy(np.stack(restored)).to(x) * 2 - 1

    def _nl_means(self, image: NDArray[Any], sigma: float) -> NDArray[Any]:
        from skimage.restoration import denoise_nl_means

        config = self.config
        # With a channel axis of length 1, scikit-image 0.26 takes a row of pixels for the image.
        grey = len(image) == 1
        clean: NDArray[Any] = denoise_nl_means(
            image[0] if grey else image,
            h=config.strength * sigma,
            sigma=sigma,
            patch_size=config.patch_size,
            patch_distance=config.patch_distance,
            fast_mode=True,
            channel_axis=None if grey else 0,
        )
        return clean[None] if grey else clean

    def _tv(self, image: NDArray[Any], sigma: float) -> NDArray[Any]:
        from skimage.restoration import denoise_tv_chambolle

        denoise: Callable[..., NDArray[Any]] = denoise_tv_chambolle
        return denoise(image, weight=self.config.strength * sigma, channel_axis=0)
