"""The examples of a split that an evaluator measures: all, or a fixed, evenly spread subset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class Examples(Protocol):
    """A split of a data set."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> dict[str, Tensor]: ...


def first_examples(split: Examples, limit: int | None, device: torch.device) -> Tensor:
    """``x`` (N, *D) of a fixed, evenly spread subset of at most ``limit`` examples."""
    n = len(split)
    count = n if limit is None else min(limit, n)
    indices = torch.linspace(0, n - 1, count).round().long()
    return split.batch(indices)["x"].to(device)


def batches_of(
    split: Examples, limit: int | None, device: torch.device, batch_size: int = 500
) -> Iterator[dict[str, Tensor]]:
    """All of a split, or a fixed, evenly spread subset of at most ``limit`` examples, a batch at a time on ``device``."""
    n = len(split)
    count = n if limit is None else min(limit, n)
    indices = torch.linspace(0, n - 1, count, dtype=torch.float64).round().long()
    for start in range(0, count, batch_size):
        yield {name: tensor.to(device) for name, tensor in split.batch(indices[start : start + batch_size]).items()}
