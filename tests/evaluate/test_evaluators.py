"""Evaluators on models whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import ChainGrid, ChainMixing, EnergyGap, LogLikelihood, SampleGrid, evaluate_all, image_grid
from gibbsweep_models import draws
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import DataSpec


class Examples:
    def __init__(self, x: Tensor) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor) -> dict[str, Tensor]:
        return {"x": self.x[indices]}


def independent_units() -> tuple[RBMSystem, Examples]:
    """An RBM without weights: every unit a coin of its own, and data drawn from it."""
    system = RBMConfig(n_hidden=3, centred=False).build(DataSpec((1, 4, 4), "binary"))
    with torch.no_grad():
        system.rbm.weight.zero_()
        system.rbm.visible_bias.fill_(1.0)
    p = float(torch.sigmoid(torch.tensor(1.0)))
    return system, Examples((draws.rand((4000, 1, 4, 4), generator=draws.seeded(0)) < p).float())


def test_the_likelihood_of_independent_coins_is_their_entropy() -> None:
    system, data = independent_units()
    metrics = LogLikelihood(n_temperatures=50)(system, data, generator=draws.seeded(1)).metrics
    p, mean = float(torch.sigmoid(torch.tensor(1.0))), float(data.x.mean())
    exact = 16 * (mean * np.log(p) + (1 - mean) * np.log(1 - p))
    assert metrics["log_likelihood_exact"] == pytest.approx(exact, rel=1e-5)
    assert metrics["log_likelihood"] == metrics["log_likelihood_exact"]
    assert metrics["log_likelihood_ais"] == pytest.approx(exact, rel=1e-3)
    assert metrics["log_likelihood_uncertainty"] == 0.0


def test_a_model_at_equilibrium_has_no_energy_gap_and_forgets_at_once() -> None:
    system, data = independent_units()
    gap = EnergyGap(n_steps=5, limit=4000)(system, data, generator=draws.seeded(1)).metrics["energy_gap"]
    spread = float(system.energy(data.x).detach().std())
    assert abs(gap) < 4 * spread * (2 / 4000) ** 0.5
    mixing = ChainMixing(n_steps=400, burn_in=5, n_chains=32)(system, data, generator=draws.seeded(2)).metrics
    assert abs(mixing["mixing_autocorrelation"]) < 4 / (400 * 32) ** 0.5
    assert mixing["mixing_time"] == pytest.approx(1.0, abs=0.15)


def test_the_first_column_of_a_chain_grid_is_the_data() -> None:
    system, data = independent_units()
    grid = ChainGrid(steps=(1, 2, 5), n_chains=2)(system, data, generator=draws.seeded(0)).images["chains"]
    assert grid.shape == (2 * (2 + 2 * (4 + 2)), 2 * (2 + 4 * (4 + 2)))
    first = grid[4:12:2, 4:12:2]
    assert np.array_equal(first, (data.x[0, 0] * 255).byte().numpy())


def test_a_sample_grid_shows_means_where_a_model_has_them() -> None:
    system, data = independent_units()
    pixels = SampleGrid(n=4, columns=2)(system, data, generator=draws.seeded(0)).images["samples"]
    assert int(pixels[6, 6]) == round(255 * float(torch.sigmoid(torch.tensor(1.0))))


@pytest.mark.parametrize(("channels", "binary"), [(1, True), (1, False), (3, True), (3, False)])
def test_a_grid_is_exact_to_the_pixel(channels: int, binary: bool) -> None:
    low = 0.0 if binary else -1.0
    x = torch.full((3, channels, 2, 2), low)
    x[1] = 1.0
    x[2] = 7.0  # beyond the range: shown at its end
    grid = image_grid(x, columns=2, binary=binary, scale=1, gap=1)
    assert grid.shape == ((7, 7) if channels == 1 else (7, 7, 3))
    assert (grid[1:3, 1:3] == 0).all()
    assert (grid[1:3, 4:6] == 255).all()
    assert (grid[4:6, 1:3] == 255).all()
    assert (grid[4:6, 4:6] == 128).all()


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 4, 4), (4, 4, 4)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="grid needs images"):
        image_grid(torch.zeros(shape), columns=2, binary=True)


def test_adding_an_evaluator_leaves_the_others_numbers_alone() -> None:
    system, data = independent_units()
    gap = EnergyGap(n_steps=3, limit=50)
    alone = evaluate_all([gap], system, data, prefix="test", seed=0, step=5).metrics
    both = evaluate_all(
        [ChainMixing(n_steps=20, burn_in=2, n_chains=4), gap], system, data, prefix="test", seed=0, step=5
    )
    assert both.metrics["test/energy_gap"] == alone["test/energy_gap"]
    later = evaluate_all([gap], system, data, prefix="test", seed=0, step=6).metrics
    assert later != alone


def test_a_system_without_the_method_is_named() -> None:
    system = AutoencoderConfig().build(DataSpec((1, 8, 8), "signed"))
    with pytest.raises(UserError, match="LogLikelihood needs a system with HasLogLikelihood, and AutoencoderSystem"):
        evaluate_all([LogLikelihood()], system, Examples(torch.zeros(4, 1, 8, 8)), prefix="test", seed=0, step=0)
