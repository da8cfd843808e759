"""What the outlier detectors of scikit-learn share: which examples they see, and the sign of their score."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Detector(Protocol):
    def score_samples(self, X: Any) -> NDArray[Any]:
        """(N, F) -> (N,), high = normal."""
        ...


def subset(x: Tensor, at_most: int, generator: torch.Generator) -> NDArray[np.float32]:
    """At most ``at_most`` of the examples ``x`` (N, *D), drawn by ``generator`` without replacement, as rows (n, D)."""
    order = torch.randperm(len(x), generator=generator, device=generator.device)[:at_most].to(x.device)
    rows: NDArray[np.float32] = x[order].flatten(1).cpu().numpy()
    return rows


def scores_of(detector: Detector | None, x: Tensor) -> Tensor:
    """High = anomalous: (B, *D) -> (B,)."""
    if detector is None:
        raise ValueError("this detector has seen no data yet: call fit() first")
    return -torch.as_tensor(detector.score_samples(x.flatten(1).cpu().numpy()), dtype=torch.float32, device=x.device)
