"""Splits that are held in memory."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Examples:
    """A split of examples ``x`` (N, *D) alone."""

    x: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices]}


@dataclass
class LabelledExamples:
    """A split of examples ``x`` (N, *D) and their labels ``y`` (N,)."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices], "y": self.y[indices]}
