"""The examples of a split that an evaluator measures: all of them, or a fixed, evenly spread subset."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class Examples(Protocol):
    """A split of a data set, as far as most evaluators look at it: its length, and batches by index."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> dict[str, Tensor]: ...


def evenly_spread(n: int, limit: int | None, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Indices (min(limit, n),) int64, evenly spread from 0 to n - 1; all n where ``limit`` is None.

    ``dtype`` is the precision in which they are spread. It decides which neighbour an index next to a half rounds to,
    so that another precision would measure other examples.
    """
    return torch.linspace(0, n - 1, n if limit is None else min(limit, n), dtype=dtype).round().long()


def examples_of(split: Examples, limit: int | None, device: torch.device) -> Tensor:
    """``x`` (N, *D) of at most ``limit`` evenly spread examples, on ``device``."""
    return split.batch(evenly_spread(len(split), limit))["x"].to(device)


def batches_of(
    split: Examples, limit: int | None, device: torch.device, batch_size: int = 500
) -> Iterator[dict[str, Tensor]]:
    """Batches of all examples, or of at most ``limit`` evenly spread ones, ``batch_size`` at a time on ``device``."""
    for indices in torch.split(evenly_spread(len(split), limit, dtype=torch.float64), batch_size):
        yield {name: tensor.to(device) for name, tensor in split.batch(indices).items()}
