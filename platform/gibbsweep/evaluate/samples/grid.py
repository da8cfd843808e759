"""A picture of samples from noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from gibbsweep.evaluate.demands import ask_pictures
from gibbsweep.evaluate.drawing.grids import image_grid, is_binary, unit_means
from gibbsweep.evaluate.examples import Examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class SampleGrid:
    """Samples from noise as the picture ``samples``.

    Example::

        SampleGrid(n=100, columns=10)(system, load("mnist").test, generator=seeded(0)).images["samples"]
    """

    n: int = 64
    """Number of samples."""
    columns: int = 8
    """Samples in a row of the picture."""
    needs: ClassVar[type] = CanSample

    def check_split(self, split: Split) -> None:
        ask_pictures(self, split)

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        samples = system.sample(self.n, generator=generator)
        grid = image_grid(unit_means(samples), columns=self.columns, binary=is_binary(samples.x))
        return Evaluation(images={"samples": grid})
