"""Grids of pictures of examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.evaluate.drawing.solids import render_solids
from gibbsweep_models.types import Samples

_VIEW_EDGE = 48
"""Pixels along a view of a solid, before a grid's scale."""
_USUAL_DEVIATION = 0.5
"""About the standard deviation of pictures on [-1, 1]."""


def render(x: Tensor, *, binary: bool, scale: int = 1) -> NDArray[np.uint8]:
    """Pictures (N, H', W', C) of examples in [0, 1] if ``binary``, else in [-1, 1]; values beyond are shown at the
    ends.

    Images (N, 1 or 3, H, W): each pixel becomes ``scale`` × ``scale``. Voxels (N, 1, X, Y, Z): several views of what is
    above the middle of the range, side by side.
    """
    unit = x.detach().float().cpu() if binary else (x.detach().float().cpu() + 1) / 2
    if are_images(x):
        pixels = (unit.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        return pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    if x.ndim == 5 and x.shape[1] == 1:
        return render_solids((unit[:, 0] > 0.5).numpy(), _VIEW_EDGE * scale)[..., None]
    raise ValueError(
        f"a picture needs images (N, 1 or 3, H, W) or voxels (N, 1, X, Y, Z): got {tuple(x.shape)}; show other data in "
        "a figure of its own"
    )


def image_grid(x: Tensor, *, columns: int, binary: bool, scale: int = 2, gap: int = 2) -> NDArray[np.uint8]:
    """One picture (H', W') or (H', W', 3) of the examples ``x`` (N, *D), row by row, each as :func:`render` draws it,
    with ``gap`` × ``scale`` grey pixels between them."""
    tiles = render(x, binary=binary, scale=scale)
    gap = gap * scale
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 128, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas[..., 0] if channels == 1 else canvas


def are_images(x: Tensor) -> bool:
    """Whether ``x`` has the shape of images, (N, 1 or 3, H, W)."""
    return x.ndim == 4 and x.shape[1] in (1, 3)


def is_binary(x: Tensor) -> bool:
    """Whether ``x`` holds zeros and ones alone."""
    return bool(((x == 0) | (x == 1)).all())


def unit_means(samples: Samples) -> Tensor:
    """The mean of each unit (N, *D) where a model of binary units states it, else the samples themselves: a grey
    picture says more than one coin flip."""
    return samples.info.get("visible_mean", samples.x)


def at_contrast(x: Tensor) -> Tensor:
    """``x`` (N, *D) signed, each example divided so that its standard deviation is at most a picture's."""
    spread = x.flatten(1).std(dim=1).clamp(min=_USUAL_DEVIATION).reshape(-1, *(1 for _ in x.shape[1:]))
    return x * (_USUAL_DEVIATION / spread)
