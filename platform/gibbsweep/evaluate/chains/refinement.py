"""Pictures before and after sweeps of a model's own chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.evaluate.demands import ask_pictures, try_on
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasChain
from gibbsweep_models.draws import rand, randn_like

if TYPE_CHECKING:
    from gibbsweep.data import Split

HEADING = 16
"""Height in pixels of the strip above the columns."""


@dataclass(frozen=True)
class Refinement:
    """Pictures before and after sweeps of the model's own chain, as ``refinement``: ``n`` rows that start at uniform
    noise, then ``n`` rows that start at blurred and noisy examples. The number of sweeps stands above each column.

    Example::

        Refinement(sweeps=(0, 10, 100))(system, load("cifar10").test, generator=seeded(0)).images["refinement"]
    """

    sweeps: tuple[int, ...] = (0, 1, 10, 100, 1000)
    """Numbers of sweeps from the start, ascending, a column each."""
    n: int = 4
    """Rows of each kind."""
    blur: int = 4
    """Edge in pixels of the squares whose means are the blurred examples."""
    noise: float = 0.3
    """Standard deviation of the Gaussian noise on blurred examples, in data units ([-1, 1])."""
    needs: ClassVar[type] = HasChain

    @property
    def chain_steps(self) -> int:
        return max(self.sweeps)

    def check_split(self, split: Split) -> None:
        ask_pictures(self, split)
        try_on(self, split, lambda x: self._blurred_and_noisy(x, torch.Generator()))

    def __call__(self, system: HasChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        clean = examples_of(split, self.n, generator.device)
        uniform = rand(clean.shape, generator=generator).mul_(2.0).sub_(1.0)
        x = torch.cat([uniform, self._blurred_and_noisy(clean, generator)])
        columns: list[Tensor] = []
        done = 0
        for sweeps in self.sweeps:
            shown = x
            if sweeps > done:
                samples = system.run_chain(x, sweeps - done, generator=generator)
                x, done = samples.x, sweeps
                # The mean that a Gaussian machine drew from: its noise would hide what the sweeps changed.
                shown = samples.info.get("visible_mean", x)
            columns.append(shown)
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        pixels = image_grid(grid, columns=len(columns), binary=False)
        return Evaluation(images={"refinement": _under_headings(pixels, [str(n) for n in self.sweeps])})

    def _blurred_and_noisy(self, x: Tensor, generator: torch.Generator) -> Tensor:
        means = F.interpolate(F.avg_pool2d(x, self.blur), size=x.shape[2:], mode="bilinear")
        return (means + self.noise * randn_like(x, generator=generator)).clamp_(-1.0, 1.0)


def _under_headings(pixels: NDArray[np.uint8], headings: list[str]) -> NDArray[np.uint8]:
    """``pixels``, a picture of equal columns, below a strip with the heading of each."""
    from PIL import Image, ImageDraw

    width = pixels.shape[1]
    strip = Image.new("RGB" if pixels.ndim == 3 else "L", (width, HEADING), "white")
    draw = ImageDraw.Draw(strip)
    for i, heading in enumerate(headings):
        draw.text(((i + 0.5) * width / len(headings), HEADING / 2), heading, fill="black", anchor="mm")
    return np.concatenate([np.asarray(strip, dtype=np.uint8), pixels])
