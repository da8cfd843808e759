"""What the maker of a bundled data set returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 20
"""Of the cut into train and test and of the toy densities: a constant, since both are part of the data set."""


@dataclass(frozen=True)
class Made:
    """Examples ``x`` (N, *D), and where there are any labels (N,) and captions (N)."""

    x: NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float32]
    y: NDArray[np.int64] | None = None
    text: list[str | None] | None = None
