"""Refuses data from which nothing can be learnt before it is cached."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from gibbsweep.errors import UserError

_CHUNK = 4096


def refuse_constant(x: NDArray[Any], path: Path) -> None:
    """Refuses examples x (N, *D) that are all equal, and images, voxels or sounds that are all of one flat value."""
    parts = range(0, len(x), _CHUNK)
    if len(x) > 1 and all(bool((x[start : start + _CHUNK] == x[0]).all()) for start in parts):
        raise UserError(
            f"all {len(x)} examples of {path} are equal: expected different ones; export the data set again"
        )
    flat = x.reshape(len(x), -1)
    if x.ndim > 2 and all(bool((part == part[:, :1]).all()) for part in (flat[s : s + _CHUNK] for s in parts)):
        raise UserError(
            f"every example of {path} is of one flat value: expected images, voxels or sounds with content; export the "
            "data set again"
        )
