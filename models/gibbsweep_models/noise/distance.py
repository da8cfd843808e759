"""The largest distance between examples: the measure behind NCSNv2's highest noise level."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHUNK = 2048
"""Examples whose distances are held at once, which bounds the memory of a pass."""


def max_distance(x: Tensor, chunk: int = CHUNK) -> float:
    """The largest Euclidean distance between two rows of ``x`` (N, F), by blocks of ``chunk`` rows: the cost grows with
    the square of N. Technique 1 of Song & Ermon (2020) takes it for the highest noise level."""
    x = x - x.mean(dim=0)  # distances are the same, and less is lost where |a|² + |b|² - 2 ab cancels
    square = x.square().sum(dim=1)
    largest = 0.0
    for i in range(0, len(x), chunk):
        for j in range(i, len(x), chunk):
            block = torch.addmm(square[j : j + chunk], x[i : i + chunk], x[j : j + chunk].T, alpha=-2.0)
            largest = max(largest, float((block + square[i : i + chunk, None]).max()))
    return math.sqrt(largest)
