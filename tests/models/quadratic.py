"""The simplest energy, for gradients by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Quadratic(nn.Module):
    """E(x) = precision * |x - mean|² / 2, each parameter a scalar."""

    def __init__(self, precision: float = 1.0, mean: float = 0.0) -> None:
        super().__init__()
        self.precision = nn.Parameter(torch.tensor(precision, dtype=torch.float64))
        self.mean = nn.Parameter(torch.tensor(mean, dtype=torch.float64))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return self.precision * (x - self.mean).square().sum(dim=1) / 2
