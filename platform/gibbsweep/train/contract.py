"""What the training loop asks of data and of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from gibbsweep.train.report import Images, Sounds
from gibbsweep_models.types import System


class TrainingData(Protocol):
    """Examples by index: what the loop asks of a split of a data set."""

    def __len__(self) -> int:
        """The number of examples."""
        ...

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        """The examples ``indices`` (B,): ``x`` (B, *D), and what else the data set has, by name."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """Numbers, pictures and sounds of a system at one moment.

    For example::

        Evaluation({"validation/log_likelihood": -92.5})
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    """Number by name."""
    images: Images = field(default_factory=dict)
    """Picture by name."""
    sounds: Sounds = field(default_factory=dict)
    """Sound by name."""


Evaluate = Callable[[System, int], Evaluation]
"""(system with its averaged weights, updates done) -> Evaluation."""
