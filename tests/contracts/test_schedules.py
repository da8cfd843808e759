"""What every noise schedule promises. Adding one is one line."""

from __future__ import annotations

import pytest
import torch

from gibbsweep_models import draws
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.types import NoiseSchedule

SCHEDULES: dict[str, NoiseSchedule] = {
    "edm": EDMSchedule(),
    "edm_narrow": EDMSchedule(sigma_min=0.01, sigma_max=10.0, rho=3),
}
schedules = pytest.mark.parametrize("name", SCHEDULES)


@schedules
@pytest.mark.parametrize("n_steps", [1, 2, 18, 100])
def test_the_grid_falls_to_zero(name: str, n_steps: int) -> None:
    sigmas = SCHEDULES[name].sigmas(n_steps)
    assert sigmas.shape == (n_steps + 1,)
    assert float(sigmas[-1]) == 0.0
    assert (sigmas[1:] < sigmas[:-1]).all()


@schedules
def test_training_levels_are_positive_and_follow_their_generator(name: str) -> None:
    first = SCHEDULES[name].sample(200, generator=draws.seeded(0))
    assert first.shape == (200,)
    assert (first > 0).all()
    assert torch.equal(first, SCHEDULES[name].sample(200, generator=draws.seeded(0)))
    assert not torch.equal(first, SCHEDULES[name].sample(200, generator=draws.seeded(1)))
