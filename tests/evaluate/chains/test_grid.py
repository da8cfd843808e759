"""A grid of chains, tile by tile."""

from __future__ import annotations

import numpy as np
import torch
from tests.evaluate.machines import SHAPE, coins, machine

from gibbsweep.evaluate import ChainGrid, image_grid
from gibbsweep_models.draws import seeded


def test_a_chain_grid_starts_with_the_data_and_goes_on_with_the_chain() -> None:
    system, split = machine(), coins(3)
    evaluation = ChainGrid(steps=(1, 4), n_chains=3)(system, split, generator=seeded(0))
    generator = seeded(0)
    first = system.run_chain(split.x, 1, generator=generator)
    second = system.run_chain(first.x, 3, generator=generator)
    shown = torch.stack([split.x, first.info["visible_mean"], second.info["visible_mean"]], dim=1).flatten(0, 1)
    grid = evaluation.images["chains"]
    np.testing.assert_array_equal(grid, image_grid(shown, columns=3, binary=True))
    height, width = 2 * (SHAPE[1] + 2), 2 * (SHAPE[2] + 2)
    assert grid.shape == (3 * height + 4, 3 * width + 4)
    for row, x in enumerate(split.x):
        tile = grid[row * height + 4 : row * height + height, 4:width]
        np.testing.assert_array_equal(tile[::2, ::2], (255 * x[0]).byte().numpy())
