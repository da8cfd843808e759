"""Small translations, which do not change the subject of a picture."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep_models.draws import randint


def random_shift(x: Tensor, largest: int, *, generator: torch.Generator) -> Tensor:
    """Each example of ``x`` (B, C, *S) moved by its own whole number of places in [-largest, largest] along every axis
    of S; values that leave on one side come back on the other."""
    if largest < 0:
        raise ValueError(f"got a largest shift of {largest}, expected at least 0; pass 0 for none")
    if largest == 0:
        return x
    axes = range(2, x.ndim)
    moves = randint(2 * largest + 1, (len(x), len(axes)), generator=generator).sub_(largest)
    for axis in axes:
        size = x.shape[axis]
        places = (torch.arange(size, device=x.device) - moves[:, axis - 2 : axis - 1]) % size
        x = x.take_along_dim(places.view(len(x), *(size if a == axis else 1 for a in range(1, x.ndim))), dim=axis)
    return x
