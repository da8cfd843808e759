"""A picture of chains that start at data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from gibbsweep.evaluate.demands import ask_pictures
from gibbsweep.evaluate.drawing.grids import image_grid, is_binary, unit_means
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasChain

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class ChainGrid:
    """Chains that start at data, as the picture ``chains``: a row for each, the example first and then the chain after
    each number of steps.

    Example::

        ChainGrid(steps=(1, 10, 100))(system, load("mnist").test, generator=seeded(0)).images["chains"]
    """

    steps: tuple[int, ...] = (1, 3, 10, 30, 100, 300, 1000)
    """Numbers of steps from the start, ascending, a column each."""
    n_chains: int = 8
    """Number of chains."""
    needs: ClassVar[type] = HasChain

    @property
    def chain_steps(self) -> int:
        return max(self.steps)

    def check_split(self, split: Split) -> None:
        ask_pictures(self, split)

    def __call__(self, system: HasChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        start = x = examples_of(split, self.n_chains, generator.device)
        columns = [start]
        done = 0
        for step in self.steps:
            segment = system.run_chain(x, step - done, generator=generator)
            x, done = segment.x, step
            columns.append(unit_means(segment))
        grid = torch.stack(columns, dim=1).flatten(0, 1)
        return Evaluation(images={"chains": image_grid(grid, columns=len(columns), binary=is_binary(start))})
