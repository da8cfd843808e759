"""Chains that walk in a straight line drift and refine by as much as they walked."""

from __future__ import annotations

import math

import pytest
import torch
from tests.evaluate.examples import Examples
from torch import Tensor

from gibbsweep.evaluate import EnergyDrift, Refinement
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Samples, System, Trace


class Walker(System):
    """E(x) = mean of x; every step of its chain adds 1/8 to every value."""

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return x.flatten(1).mean(dim=1)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        return Samples(x + n_steps / 8, nfe=n_steps)


def test_energy_drift_is_in_standard_deviations_of_the_data_s_energy() -> None:
    x = torch.tensor([0.0, 1.0, 2.0, 3.0]).view(4, 1, 1, 1).expand(4, 1, 8, 8)
    drift = EnergyDrift(n_steps=16)(Walker(), Examples(x), generator=seeded(0)).metrics["energy_drift"]
    assert drift == pytest.approx(2.0 / math.sqrt(5 / 3))


def test_refinement_shows_every_chain_after_every_number_of_sweeps() -> None:
    x = torch.zeros(3, 3, 8, 8)
    picture = Refinement((0, 1, 3), n=2, noise=0.0)(Walker(), Examples(x), generator=seeded(0)).images["refinement"]
    assert picture[:16].min() < 128 < picture[:16].max(), "every column has its number of sweeps above it"
    picture = picture[16:]
    size, gap = 16, 4  # two pixels each
    assert picture.shape == (4 * (size + gap) + gap, 3 * (size + gap) + gap, 3)
    bottom = picture[gap + 3 * (size + gap) :][:size]
    columns = [bottom[:, gap + i * (size + gap) :][:, :size] for i in range(3)]
    # a grey example blurred is itself; 1 and 3 steps are 1/8 and 3/8 of the way from -1 to 1 halved
    assert [set(c.flatten().tolist()) for c in columns] == [{round(127.5 * (1 + v))} for v in (0, 1 / 8, 3 / 8)]
    top = picture[gap : gap + size, gap : gap + size]
    assert 60 < top.std() < 90, "the first rows start at uniform noise"
