"""What the training loop asks of data and of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from gibbsweep.train.report import Images, Sounds
from gibbsweep_models.types import System


class TrainingData(Protocol):
    """What the loop asks of a split of a data set."""

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Evaluation:
    """Numbers, pictures and sounds of a system at one moment."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    images: Images = field(default_factory=dict)
    sounds: Sounds = field(default_factory=dict)


Evaluate = Callable[[System, int], Evaluation]
"""(system with its averaged weights, updates done) -> Evaluation."""
