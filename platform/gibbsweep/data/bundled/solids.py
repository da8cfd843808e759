"""Plain shapes to try models of voxels on: balls, boxes and crosses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.bundled.made import SEED, Made
from gibbsweep_models.draws import seeded


def solids() -> Made:
    """200 balls, 200 boxes and 200 crosses of 8x8x8 voxels, all different."""
    generator = seeded(SEED, 3)
    x = [_different(make, 200, generator) for make in (_ball, _box, _cross)]
    return Made(np.concatenate(x)[:, None], np.repeat(np.arange(3), 200))


def _different(make: Callable[[torch.Generator], Tensor], n: int, generator: torch.Generator) -> NDArray[np.uint8]:
    """Draws ``n`` different shapes (n, 8, 8, 8), in the order in which they were drawn."""
    shapes: dict[bytes, NDArray[np.uint8]] = {}
    while len(shapes) < n:
        shape = make(generator).numpy().astype(np.uint8) * 255
        shapes.setdefault(shape.tobytes(), shape)
    return np.stack(list(shapes.values()))


_PLACES = torch.stack(torch.meshgrid(*[torch.arange(8)] * 3, indexing="ij"))
"""Coordinates of every voxel along each axis: (3, 8, 8, 8)."""


def _ball(generator: torch.Generator) -> Tensor:
    radius = 2.0 + 1.5 * float(torch.rand((), generator=generator))
    centre = radius + (7.0 - 2.0 * radius) * torch.rand(3, generator=generator)
    return (_PLACES - centre.view(3, 1, 1, 1)).square().sum(dim=0) <= radius**2


def _box(generator: torch.Generator) -> Tensor:
    size = torch.randint(3, 7, (3,), generator=generator)
    low = (torch.rand(3, generator=generator) * (9 - size)).long()
    offset = _PLACES - low.view(3, 1, 1, 1)
    return ((offset >= 0) & (offset < size.view(3, 1, 1, 1))).all(dim=0)


def _cross(generator: torch.Generator) -> Tensor:
    """Three bars of 2x2 voxels that cross in one cube, each with its own ends."""
    centre = torch.randint(2, 5, (3, 1, 1, 1), generator=generator)
    ends = torch.randint(1, 3, (2, 3, 1, 1, 1), generator=generator)
    offset = _PLACES - centre
    core = (offset >= 0) & (offset < 2)
    along = (offset >= -ends[0]) & (offset < 2 + ends[1])
    bars = [along[axis] & core[[other for other in range(3) if other != axis]].all(dim=0) for axis in range(3)]
    return torch.stack(bars).any(dim=0)
