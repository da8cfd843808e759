"""Data that is held in memory."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Examples:
    """A split that is held in memory."""

    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices]}
