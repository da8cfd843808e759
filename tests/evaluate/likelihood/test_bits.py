"""Bits per dimension of densities that are known."""

from __future__ import annotations

import math

import pytest
import torch
from tests.evaluate.examples import Examples
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import BitsPerDim, VariationalBits
from gibbsweep_models.capabilities import Density
from gibbsweep_models.draws import randint, randn, seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.noise.vp import VPSchedule
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.types import System

SHAPE = (1, 4, 4)


def bytes_of(n: int) -> Examples:
    return Examples(randint(256, (n, *SHAPE), generator=seeded(0)) / 127.5 - 1)


class Uniform(System):
    """Uniform on the range that dequantised bytes have."""

    def density(self, x: Tensor, *, generator: torch.Generator) -> Density:
        width = 2 * 256 / 255
        assert float(x.abs().max()) <= width / 2 + 1e-6
        return Density(torch.full((len(x),), -x[0].numel() * math.log(width)), 12)

    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        return {"prior": torch.full((len(x),), 0.25), "diffusion": 1 + randn((len(x),), generator=generator)}


def test_a_uniform_density_costs_eight_bits() -> None:
    found = BitsPerDim(n=20, batch_size=7)(Uniform(), bytes_of(30), generator=seeded(1)).metrics
    assert found["bits_per_dim"] == pytest.approx(8.0, abs=1e-5)
    assert (found["bits_per_dim_se"], found["bits_nfe"], found["bits_n"]) == (pytest.approx(0, abs=1e-6), 12, 20)
    with pytest.raises(UserError, match="bytes"):
        BitsPerDim()(Uniform(), Examples(0.3 * torch.ones(2, *SHAPE)), generator=seeded(1))


def test_the_error_of_the_bound_is_that_over_examples() -> None:
    found = VariationalBits(n=400, draws=4, batch_size=150)(Uniform(), bytes_of(400), generator=seeded(1)).metrics
    assert found["vlb_prior"] == 0.25 and found["vlb_n"] == 400
    assert found["vlb_bits"] == pytest.approx(found["vlb_prior"] + found["vlb_diffusion"])
    assert found["vlb_bits_se"] == pytest.approx(0.5 / 20, rel=0.15)
    assert found["vlb_bits"] == pytest.approx(1.25, abs=4 * 0.025)


class Exact(System):
    """The exact denoiser of N(0, 1/4), and the bound of its density on a variance-preserving schedule."""

    def variational_bits(self, x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        model = GaussianMixture(torch.zeros(1, *x.shape[1:]), stds=0.5)
        return VariationalBound(VPSchedule(t_min=1e-4)).terms(model, x, generator=generator)


def test_the_error_of_the_bound_is_what_repetitions_show() -> None:
    """Over data sets: the standard error neither hides the spread of the examples nor counts that of the levels, which
    is two hundred times the variance."""
    found = [
        VariationalBits(n=96, draws=2, batch_size=48)(
            Exact(), Examples(0.5 * randn((96, *SHAPE), generator=seeded(2, i))), generator=seeded(3, i)
        ).metrics
        for i in range(60)
    ]
    seen = torch.tensor([one["vlb_bits"] for one in found]).std()
    told = torch.tensor([one["vlb_bits_se"] for one in found]).square().mean().sqrt()
    assert float(told) == pytest.approx(float(seen), rel=0.3)
    entropy = 0.5 * math.log2(2 * math.pi * math.e / 4)
    mean = sum(one["vlb_bits"] for one in found) / 60
    assert mean == pytest.approx(entropy, abs=4 * float(seen) / 60**0.5 + 1e-3)
