"""Grids of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.evaluate.contract import Examples, first_examples
from gibbsweep.evaluate.drawing.solids import render_solids
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasChain
from gibbsweep_models.types import Samples

_VIEW_EDGE = 48
"""Pixels along a view of a solid, before a grid's scale."""
_USUAL = 0.5
"""About the deviation of pictures on [-1, 1]."""


def render(x: Tensor, *, binary: bool, scale: int = 1) -> NDArray[np.uint8]:
    """Pictures (N, H', W', C) of examples in [0, 1] if ``binary``, else in [-1, 1]; values beyond are shown at the ends.

    Images (N, 1 or 3, H, W): each pixel becomes ``scale`` × ``scale``. Voxels (N, 1, X, Y, Z): several views of what is above
    the middle of the range, side by side.
    """
    unit = x.detach().float().cpu() if binary else (x.detach().float().cpu() + 1) / 2
    if x.ndim == 4 and x.shape[1] in (1, 3):
        pixels = (unit.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        return pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    if x.ndim == 5 and x.shape[1] == 1:
        return render_solids((unit[:, 0] > 0.5).numpy(), _VIEW_EDGE * scale)[..., None]
    raise ValueError(
        f"a picture needs images (N, 1 or 3, H, W) or voxels (N, 1, X, Y, Z): got {tuple(x.shape)}; show other data in a "
        "figure of its own"
    )


def image_grid(x: Tensor, *, columns: int, binary: bool, scale: int = 2, gap: int = 2) -> NDArray[np.uint8]:
    """What :func:`render` makes of the examples ``x`` (N, *D) as one picture (H', W') or (H', W', 3), row by row, ``gap``
    pixels times ``scale`` between."""
    tiles = render(x, binary=binary, scale=scale)
    gap = gap * scale
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 128, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = gap + (i // columns) * (height + gap), gap + (i % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    return canvas[..., 0] if channels == 1 else canvas


def at_contrast(x: Tensor) -> Tensor:
    """``x`` (N, *D) signed, where its deviation is more than a picture's divided down to that."""
    spread = x.flatten(1).std(dim=1).clamp(min=_USUAL).reshape(-1, *(1 for _ in x.shape[1:]))
    return x * (_USUAL / spread)


@dataclass(frozen=True)
class SampleGrid:
    """Examples drawn from noise, as ``samples``."""

    n: int = 64
    columns: int = 8
    needs: ClassVar[type] = CanSample

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        samples = system.sample(self.n, generator=generator)
        grid = image_grid(_shown(samples), columns=self.columns, binary=_is_binary(samples.x))
        return Evaluation(images={"samples": grid})


@dataclass(frozen=True)
class ChainGrid:
    """Chains started at data, as ``chains``: a row each, the example first and then the chain after every one of ``steps``."""

    steps: tuple[int, ...] = (1, 3, 10, 30, 100, 300, 1000)
    n_chains: int = 8
    needs: ClassVar[type] = HasChain

    def __call__(self, system: HasChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        start = x = first_examples(split, self.n_chains, generator.device)
        columns = [start]
        done = 0
        for step in self.steps:
            segment = system.run_chain(x, step - done, generator=generator)
            x, done = segment.x, step
            columns.append(_shown(segment))
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        return Evaluation(images={"chains": image_grid(grid, columns=len(columns), binary=_is_binary(start))})


def _shown(samples: Samples) -> Tensor:
    # A model of binary units knows the mean of each: a grey picture says more than one coin flip.
    return samples.info.get("visible_mean", samples.x)


def _is_binary(x: Tensor) -> bool:
    return bool(((x == 0) | (x == 1)).all())
