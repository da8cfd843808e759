"""A picture of samples from noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.evaluate.drawing.grids import image_grid, is_binary, unit_means
from gibbsweep.evaluate.examples import Examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample


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

    def __call__(self, system: CanSample, split: Examples, *, generator: torch.Generator) -> Evaluation:
        samples = system.sample(self.n, generator=generator)
        grid = image_grid(unit_means(samples), columns=self.columns, binary=is_binary(samples.x))
        return Evaluation(images={"samples": grid})
