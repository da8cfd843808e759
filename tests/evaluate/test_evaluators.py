"""Evaluators against pixels laid by hand, enumeration, and a machine that is in equilibrium by construction."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from tests.evaluate.examples import Examples
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate import (
    ChainGrid,
    ChainMixing,
    EnergyGap,
    LogLikelihood,
    SampleGrid,
    evaluate_all,
    image_grid,
)
from gibbsweep_models.baselines.autoencoder import AutoencoderConfig
from gibbsweep_models.capabilities import HasEnergy
from gibbsweep_models.draws import bernoulli, seeded
from gibbsweep_models.energy.rbm import RBMConfig, RBMSystem
from gibbsweep_models.types import DataSpec, Samples, System, Trace

SHAPE = (1, 2, 3)


def machine(scale: float = 1.0, n_hidden: int = 3) -> RBMSystem:
    """An RBM of random biases; with ``scale`` 0 its visible units are independent."""
    torch.manual_seed(0)
    config = RBMConfig(n_hidden, initial_weight_scale=scale, sample_steps=5, annealing_chains=50, equilibration=50)
    system = config.build(DataSpec(SHAPE, "binary"))
    for bias in (system.rbm.visible_bias, system.rbm.hidden_bias):
        torch.nn.init.normal_(bias)
    return system


def samples_of(system: RBMSystem, n: int) -> Examples:
    """Exact draws of a machine without weights."""
    assert not bool(system.rbm.weight.any())
    return Examples(
        bernoulli(system.rbm.visible_bias.detach().sigmoid().expand(n, -1).contiguous(), generator=seeded(7)).view(
            n, *SHAPE
        )
    )


def coins(n: int, shape: tuple[int, ...] = SHAPE) -> Examples:
    return Examples((torch.rand(n, *shape, generator=seeded(8)) < 0.5).float())


def test_a_binary_grid_to_the_pixel() -> None:
    x = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]], [[0.2, 7.0]]])[:, None]  # three images of 1 x 2; 7 is shown as 1
    expected = np.array(
        [
            [128, 128, 128, 128, 128, 128, 128],
            [128, 0, 255, 128, 255, 0, 128],
            [128, 128, 128, 128, 128, 128, 128],
            [128, 51, 255, 128, 128, 128, 128],
            [128, 128, 128, 128, 128, 128, 128],
        ],
        dtype=np.uint8,
    )
    grid = image_grid(x, columns=2, binary=True, scale=1, gap=1)
    assert grid.dtype == np.uint8
    np.testing.assert_array_equal(grid, expected)
    np.testing.assert_array_equal(
        image_grid(x, columns=2, binary=True, scale=3, gap=1), np.kron(expected, np.ones((3, 3), np.uint8))
    )


def test_a_signed_grid_of_colours_to_the_pixel() -> None:
    x = torch.tensor([[-1.0, 1.0, 0.0], [-9.0, -0.2, 0.2]])[:, :, None, None]  # two images of one pixel
    grid = image_grid(x, columns=1, binary=False, scale=1, gap=0)
    # Half of 255 is rounded to even.
    np.testing.assert_array_equal(grid, np.array([[[0, 255, 128]], [[0, 102, 153]]], np.uint8))


@pytest.mark.parametrize(("channels", "binary"), [(1, True), (1, False), (3, True), (3, False)])
def test_the_ends_of_the_range_are_black_and_white(channels: int, binary: bool) -> None:
    x = torch.full((3, channels, 2, 2), 0.0 if binary else -1.0)
    x[1], x[2] = 1.0, 7.0  # 7 is beyond the range
    grid = image_grid(x, columns=2, binary=binary, scale=1, gap=1)
    assert grid.shape == ((7, 7) if channels == 1 else (7, 7, 3))
    assert (grid[1:3, 1:3] == 0).all() and (grid[1:3, 4:6] == 255).all()
    assert (grid[4:6, 1:3] == 255).all() and (grid[4:6, 4:6] == 128).all()


def test_the_default_grid_doubles_pixels_and_leaves_two_between() -> None:
    grid = image_grid(torch.ones(3, 1, 4, 5), columns=2, binary=True)
    assert grid.shape == (2 * (2 * (4 + 2) + 2), 2 * (2 * (5 + 2) + 2))
    assert int((grid == 255).sum()) == 3 * 4 * 5 * 4


@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3), (4, 2, 3, 3), (4, 2, 2, 2, 2)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images \(N, 1 or 3, H, W\) or voxels .*: got"):
        image_grid(torch.zeros(shape), columns=2, binary=True)


def test_the_likelihood_is_that_of_enumeration() -> None:
    system, split = machine(), coins(20)
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)))
    log_z = torch.logsumexp(-system.rbm.double()(states.double()), dim=0)
    truth = float((-system.rbm(split.x.double()) - log_z).mean().detach())
    system.float()
    metrics = LogLikelihood(n_temperatures=300)(system, split, generator=seeded(0)).metrics
    assert metrics["log_likelihood"] == metrics["log_likelihood_exact"] == pytest.approx(truth, abs=1e-4)
    assert metrics["log_likelihood_uncertainty"] == 0.0
    bracket = system.log_likelihood(split.x, generator=seeded(0), n_temperatures=300)
    for side, error in (("ais", bracket.ais_se), ("reverse_ais", bracket.reverse_ais_se)):
        assert metrics[f"log_likelihood_{side}"] == pytest.approx(truth, abs=4 * error + 1e-4)
        assert error < 0.2


def test_without_enumeration_it_is_the_middle_of_the_bracket() -> None:
    torch.manual_seed(0)
    wide = RBMConfig(21, annealing_chains=10, equilibration=5).build(DataSpec((1, 5, 5), "binary"))
    metrics = LogLikelihood(n_temperatures=10)(wide, coins(9, (1, 5, 5)), generator=seeded(0)).metrics
    low, high = sorted((metrics["log_likelihood_ais"], metrics["log_likelihood_reverse_ais"]))
    assert metrics["log_likelihood"] == pytest.approx((low + high) / 2)
    assert metrics["log_likelihood_uncertainty"] == pytest.approx((high - low) / 2)
    assert "log_likelihood_exact" not in metrics


def test_a_limit_takes_evenly_spread_examples() -> None:
    system, split = machine(), coins(11)
    chosen = Examples(split.x[[0, 5, 10]])
    exact = [
        evaluator(system, examples, generator=seeded(0)).metrics["log_likelihood"]
        for evaluator, examples in ((LogLikelihood(5, limit=3), split), (LogLikelihood(5), chosen))
    ]
    assert exact[0] == exact[1]


def test_a_machine_in_equilibrium_has_no_energy_gap() -> None:
    system = machine(scale=0.0)
    split = samples_of(system, 4000)
    gap = EnergyGap(n_steps=3, limit=4000)(system, split, generator=seeded(0)).metrics["energy_gap"]
    spread = float(system.energy(split.x).detach().std())
    assert spread > 0.5, "energies that are all alike would prove nothing"
    # Data and chains are independent: the variance of the difference of two means.
    assert abs(gap) < 4 * spread * math.sqrt(2 / 4000)


def test_data_that_a_machine_does_not_know_has_a_gap() -> None:
    system = machine(scale=0.0)
    unlikely = Examples((system.rbm.visible_bias.detach() < 0).float().view(1, *SHAPE).repeat(500, 1, 1, 1))
    gap = EnergyGap(n_steps=3)(system, unlikely, generator=seeded(0)).metrics["energy_gap"]
    bias = system.rbm.visible_bias.detach()
    expected = float((bias.sigmoid() * bias - (bias < 0) * bias).sum())
    assert gap == pytest.approx(expected, abs=4 * float(bias.norm()) / 2 / math.sqrt(256))


def test_chains_without_memory_mix_at_once() -> None:
    system = machine(scale=0.0)
    evaluator = ChainMixing(n_steps=400, burn_in=1, n_chains=32, lag=5)
    metrics = evaluator(system, samples_of(system, 32), generator=seeded(0)).metrics
    n = 400 * 32
    assert abs(metrics["mixing_autocorrelation"]) < 4 / math.sqrt(n)
    # Geyer's sequence stops at the first pair of lags that is not positive: tau is 1 up to a few such pairs.
    assert metrics["mixing_time"] == pytest.approx(1.0, abs=20 / math.sqrt(n))


def test_chains_that_remember_mix_slowly() -> None:
    torch.manual_seed(0)
    system = machine(scale=4.0)
    metrics = ChainMixing(n_steps=400, burn_in=50, n_chains=32, lag=1)(system, coins(32), generator=seeded(0)).metrics
    assert metrics["mixing_autocorrelation"] > 0.3
    assert metrics["mixing_time"] > 2.0


def test_burn_in_is_dropped_and_the_rest_kept() -> None:
    class Counting(System):
        """A chain whose state is the number of the step, and its energy: lag 1 of 0, 1, 2, 3 is known."""

        def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
            return x.flatten(1).sum(dim=1)

        def run_chain(
            self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None
        ) -> Samples:
            assert trace is not None
            for step in range(1, n_steps + 1):
                trace(step, torch.full((len(x), 1), float(step % 7)))
            return Samples(x, nfe=n_steps)

    evaluator = ChainMixing(n_steps=4, burn_in=7, n_chains=2, lag=1)
    metrics = evaluator(Counting(), Examples(torch.zeros(2, 1)), generator=seeded(0)).metrics
    assert metrics["mixing_autocorrelation"] == pytest.approx(0.25)  # of 1, 2, 3, 4


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


def test_a_sample_grid_has_as_many_pictures_as_were_asked_for() -> None:
    grid = SampleGrid(n=6, columns=3)(machine(), coins(1), generator=seeded(0)).images["samples"]
    assert grid.shape == (2 * (2 * 4 + 2), 2 * (3 * 5 + 2))


def test_a_sample_grid_shows_means_where_a_model_has_them() -> None:
    system = machine(scale=0.0)
    torch.nn.init.ones_(system.rbm.visible_bias)
    torch.nn.init.zeros_(system.rbm.hidden_bias)
    grid = SampleGrid(n=1, columns=1)(system, coins(1), generator=seeded(0)).images["samples"]
    assert (grid[4:-4, 4:-4] == round(255 / (1 + math.exp(-1)))).all()


def evaluate(*evaluators: Any, system: System, seed: int = 0, step: int = 10) -> dict[str, float]:
    return dict(evaluate_all(evaluators, system, coins(20), prefix="test", seed=seed, step=step).metrics)


def test_an_evaluator_s_numbers_do_not_depend_on_its_company() -> None:
    system = machine()
    likelihood, gap = LogLikelihood(n_temperatures=10), EnergyGap(n_steps=4)
    alone = evaluate(gap, system=system)
    together = evaluate(likelihood, SampleGrid(4, 2), gap, system=system)
    assert set(alone) == {"test/energy_gap"}
    assert alone["test/energy_gap"] == together["test/energy_gap"]
    assert evaluate(likelihood, system=system).items() <= together.items()
    assert evaluate(gap, system=system) == alone
    for other in ({"seed": 1}, {"step": 11}):
        assert evaluate(gap, system=system, **other) != alone


def test_names_get_the_prefix_and_pictures_come_along() -> None:
    evaluation = evaluate_all(
        (EnergyGap(n_steps=2), ChainGrid((1,), 2)), machine(), coins(5), prefix="validation", seed=0, step=0
    )
    assert set(evaluation.metrics) == {"validation/energy_gap"}
    assert set(evaluation.images) == {"validation/chains"}


def test_nothing_is_left_on_the_system() -> None:
    system = machine()
    state = {key: value.clone() for key, value in system.state_dict().items()}
    evaluate(LogLikelihood(5), EnergyGap(2), ChainMixing(8, 2, 4, 1), ChainGrid((1,)), SampleGrid(4), system=system)
    assert all(torch.equal(value, state[key]) for key, value in system.state_dict().items())
    assert all(p.grad is None for p in system.parameters())


@pytest.mark.parametrize("evaluator", [LogLikelihood(5), EnergyGap(2), ChainMixing(8), ChainGrid((1,)), SampleGrid(4)])
def test_a_system_that_cannot_is_refused_with_a_sentence(evaluator: Any) -> None:
    system = AutoencoderConfig(channels=(8,)).build(DataSpec((1, 8, 8)))
    assert not isinstance(system, HasEnergy)
    message = f"{type(evaluator).__name__} needs a system with {evaluator.needs.__name__}, and AutoencoderSystem"
    with pytest.raises(UserError, match=message):
        evaluate_all([evaluator], system, coins(4, (1, 8, 8)), prefix="test", seed=0, step=0)
