"""The examples that a detector of scikit-learn is fitted to, where its cost grows too fast for all of them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def subset(x: Tensor, at_most: int, generator: torch.Generator) -> NDArray[np.float32]:
    """At most ``at_most`` of the examples ``x`` (N, *D), drawn by ``generator`` without replacement, as rows (n, D)."""
    order = torch.randperm(len(x), generator=generator, device=generator.device)[:at_most].to(x.device)
    rows: NDArray[np.float32] = x[order].flatten(1).cpu().numpy()
    return rows
