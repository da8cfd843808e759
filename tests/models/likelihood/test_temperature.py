"""The fitted temperature of a quadratic energy has a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.likelihood.temperature import best_inverse_temperature


def quadratic(x: Tensor, cond: Tensor | None = None) -> Tensor:
    return 0.5 * x.flatten(1).square().sum(1)


@pytest.mark.parametrize("sigma", [0.05, 0.2])
def test_a_gaussian_s_best_beta_is_its_precision(sigma: float) -> None:
    """Data of variance sigma² in a cube far wider than it: beta = 1 / sigma², up to the lag of the chains (a grid step
    is 5 %)."""
    x = sigma * draws.randn((2000, 16), generator=draws.seeded(0))
    beta = best_inverse_temperature(
        quadratic, x.clamp(-1, 1), largest=1e5, n_temperatures=300, generator=draws.seeded(1)
    )
    assert beta == pytest.approx(1 / sigma**2, rel=0.25)
    assert beta > 0.95 / sigma**2, "chains lag on the cold side only"


def test_data_that_no_temperature_reaches_gets_the_coldest() -> None:
    assert best_inverse_temperature(quadratic, torch.zeros(8, 4), largest=50.0, generator=draws.seeded(0)) == 50.0


def test_an_impossible_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        best_inverse_temperature(quadratic, torch.zeros(8, 4), largest=0.0, generator=draws.seeded(0))
