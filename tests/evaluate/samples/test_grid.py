"""A grid of samples."""

from __future__ import annotations

import math

import torch
from tests.evaluate.machines import coins, machine

from gibbsweep.evaluate import SampleGrid
from gibbsweep_models.draws import seeded


def test_a_sample_grid_has_as_many_pictures_as_were_asked_for() -> None:
    grid = SampleGrid(n=6, columns=3)(machine(), coins(1), generator=seeded(0)).images["samples"]
    assert grid.shape == (2 * (2 * 4 + 2), 2 * (3 * 5 + 2))


def test_a_sample_grid_shows_means_where_a_model_has_them() -> None:
    system = machine(scale=0.0)
    torch.nn.init.ones_(system.rbm.visible_bias)
    torch.nn.init.zeros_(system.rbm.hidden_bias)
    grid = SampleGrid(n=1, columns=1)(system, coins(1), generator=seeded(0)).images["samples"]
    assert (grid[4:-4, 4:-4] == round(255 / (1 + math.exp(-1)))).all()
