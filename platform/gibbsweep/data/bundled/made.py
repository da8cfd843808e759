"""Examples of a bundled data set, as the function that makes them returns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 20
"""Seed of the cut into train and test and of all draws: a constant, since both are part of the data set."""


@dataclass(frozen=True)
class Made:
    """All examples of a bundled data set, before they are cut into train and test."""

    x: NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float32]
    """Examples (N, *D)."""
    y: NDArray[np.int64] | None = None
    """Labels (N,), or None."""
    text: list[str | None] | None = None
    """N captions, or None."""
