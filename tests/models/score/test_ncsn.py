"""NCSN and NCSNv2: each technique is what its paper says, by itself, and the ladder is the data's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from gibbsweep.data import load
from gibbsweep_models import capabilities as can
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.nn.noise_networks.configs import UNetConfig, VectorNetConfig
from gibbsweep_models.noise.distance import max_distance
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.noise.ncsnv2 import (
    best_step_of_untold,
    best_step_size,
    lag_of_untold,
    shell_overlap,
    variance_ratio,
)
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.score.ncsn import NCSNConfig, NCSNSystem, own_ladder_loss
from gibbsweep_models.types import DataSpec

SHAPE = (1, 8, 8)
SPEC = DataSpec(SHAPE)
SMALL = UNetConfig((8, 8))
V2 = NCSNConfig(SMALL, evaluations=20)
V1 = NCSNConfig.v1(network=SMALL, evaluations=20)


def system(config: NCSNConfig, spec: DataSpec = SPEC, *, scrambled: bool = True) -> NCSNSystem:
    torch.manual_seed(0)
    built = config.build(spec)
    if scrambled:  # a new network returns zero
        for parameter in built.parameters():
            nn.init.normal_(parameter, std=0.1)
    return built.eval()


def examples(n: int = 200) -> Tensor:
    return 0.5 * randn((n, *SHAPE), generator=seeded(0))


def test_the_highest_level_is_the_largest_distance_and_is_kept_with_the_weights() -> None:
    built, x = system(V2), examples()
    assert float(built.sigma_max) == pytest.approx(2 * math.sqrt(64))  # the diagonal of the cube, until it is measured
    built.initialise(x)
    largest = float(torch.pdist(x.flatten(1).double()).max())
    assert built.ladder.sigma_max == pytest.approx(largest, rel=1e-5)
    other = system(V2)
    other.load_state_dict(built.state_dict())
    assert other.ladder == built.ladder and other.sampler() == built.sampler()
    few = system(replace(V2, n_distances=20))
    few.initialise(x)
    assert few.ladder.sigma_max == pytest.approx(max_distance(x[:20].flatten(1)), rel=1e-5)
    given = system(replace(V2, sigma_max=3.0))
    given.initialise(x)
    assert given.ladder.sigma_max == 3.0


def test_neighbouring_levels_overlap_by_a_half() -> None:
    built = system(V2)
    built.initialise(examples())
    levels = built.noise_levels()
    assert isinstance(built, can.DenoisesLevels)
    assert levels[0] == pytest.approx(built.ladder.sigma_max) and levels[-1] == pytest.approx(0.02)
    # The number of levels is whole, so their ratio is next to the one of the rule.
    assert shell_overlap(float(levels[0] / levels[1]), 64) == pytest.approx(0.5, abs=0.05)
    assert len(system(replace(V2, n_levels=7)).noise_levels()) == 7


def test_one_network_for_all_levels_is_divided_by_them() -> None:
    """sigma s(x; sigma) is the same function of x at any sigma; a network that is told is another at each."""
    x = examples(5)
    one, told = system(V2), system(replace(V2, told=True))
    low, high = x.new_full((5,), 0.1), x.new_full((5,), 3.0)

    def score(built: NCSNSystem, sigma: Tensor) -> Tensor:
        return (built.denoise(x, sigma, generator=seeded(0)) - x) / sigma[0] ** 2

    torch.testing.assert_close(0.1 * score(one, low), 3.0 * score(one, high))
    assert not torch.allclose(0.1 * score(told, low), 3.0 * score(told, high), rtol=0.1, atol=0.0)
    assert isinstance(one, can.CanDenoise)


def test_the_loss_is_the_published_one() -> None:
    """E |s_theta(x + sigma z) + z|² / 2 summed, here its mean times 2; 1 for a new network, which knows of no noise."""
    x = examples(400)
    for config in (V2, V1):
        built = system(config, scrambled=False)
        built.initialise(x)
        (phase,) = built.phases()
        loss = phase.objective(built, {"x": x}, generator=seeded(1))
        assert float(loss.total.detach()) == pytest.approx(1, abs=4 * math.sqrt(2 / x.numel()))
    built = system(V2)
    loss = own_ladder_loss(built, {"x": x}, generator=seeded(2))
    generator = seeded(2)
    sigma = built.ladder.sample(len(x), generator=generator)
    z = randn(x.shape, generator=generator)
    network = built.denoiser.network(x + sigma[:, None, None, None] * z, sigma, None)
    assert float(loss.total.detach()) == pytest.approx(float((network + z).square().mean().detach()), rel=1e-4)


@pytest.mark.parametrize("told", [False, True])
def test_the_step_leaves_a_level_s_variance_nearest_to_right(told: bool) -> None:
    built = system(replace(V2, told=told, evaluations=100))
    sampler, levels = built.sampler(), built.ladder.n_levels
    ratio = (built.ladder.sigma_max / built.ladder.sigma_min) ** (1 / (levels - 1))

    def miss(step: float) -> float:
        if told:
            return abs(variance_ratio(step, ratio, sampler.steps_per_level) - 1)
        return abs(lag_of_untold(step, ratio, sampler.steps_per_level, levels) - 1)

    assert sampler.steps_per_level == 4
    assert miss(sampler.step_size) < min(miss(0.95 * sampler.step_size), miss(1.05 * sampler.step_size))
    assert system(replace(V2, step_size=0.1)).sampler().step_size == 0.1


def test_version_one_is_the_published_one() -> None:
    """On [-1, 1]: ten levels from 2 to .02, and eps = 2e-5 of [0, 1], that is 4 times as much."""
    built = system(V1)
    built.initialise(examples())
    assert built.ladder == NCSNLadder(0.02, 2.0, 10)
    assert built.sampler().step_size == pytest.approx(AnnealedLangevin.ncsn(4 * 2e-5, NCSNLadder(0.02, 2.0)).step_size)
    assert (built.ema_decay, built.sampler().denoise, built.config.told) == (0.0, False, True)


@pytest.mark.parametrize(("evaluations", "steps"), [(20, 2), (45, 4), (1, 1)])
def test_evaluations_are_spread_over_the_levels(evaluations: int, steps: int) -> None:
    built = system(replace(V2, n_levels=12, evaluations=evaluations, denoise=False))
    assert built.sampler().steps_per_level == steps
    assert built.sample(2, generator=seeded(0)).nfe == 12 * steps


def test_the_last_step_is_that_of_the_same_chains() -> None:
    built = system(replace(V2, batch_size=3))
    assert isinstance(built, can.CanLeaveOutLastStep)
    noisy, denoised = built.sample_with_last_step(5, generator=seeded(1))
    torch.testing.assert_close(denoised.x, built.sample(5, generator=seeded(1)).x)
    torch.testing.assert_close(
        denoised.x, built.denoise(noisy.x, noisy.x.new_full((5,), 0.02), generator=seeded(0)), atol=1e-5, rtol=1e-5
    )
    assert (noisy.nfe, denoised.nfe) == (built.sampler().n_steps, built.sampler().n_steps + 1)
    without = system(replace(V2, denoise=False))
    torch.testing.assert_close(noisy.x, without.sample(5, generator=seeded(1)).x)


def test_points_in_the_plane_have_no_shells_and_need_a_number_of_levels() -> None:
    plane = DataSpec((2,))
    with pytest.raises(ValueError, match="choose the number of levels"):
        NCSNConfig(VectorNetConfig(8, 1)).build(plane)
    built = system(NCSNConfig(VectorNetConfig(8, 1), n_levels=5, evaluations=10), plane)
    built.initialise(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    assert built.ladder == NCSNLadder(0.02, 5.0, 5)
    assert built.sample(4, generator=seeded(0)).x.shape == (4, 2)


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: NCSNConfig(SMALL, sigma_max=0.01).build(SPEC), "sigma_max=0.00999"),
    (lambda: NCSNConfig(SMALL, n_levels=1).build(SPEC), "at least 2 rungs"),
    (lambda: NCSNConfig(SMALL, evaluations=0).build(SPEC), "evaluations=0"),
    (lambda: NCSNConfig(SMALL, n_distances=1).build(SPEC), "n_distances=1"),
    (lambda: NCSNConfig(SMALL, step_size=2.5).build(SPEC), "step_size=2.5"),
    (lambda: NCSNConfig(SMALL, batch_size=0).build(SPEC), "batch_size=0"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_cannot_be_is_refused_before_training(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_network_that_is_not_told_lags_behind_and_has_a_rule_of_its_own() -> None:
    """Data is the origin in 3072 dimensions, and F(x) = -u with u = x over its root mean square is exact. The chains'
    deviation follows the recursion; with one step a level and the step of equation 6 they stay a thousand times too
    wide."""
    spec = DataSpec((3072,))
    config = NCSNConfig(VectorNetConfig(4, 1), n_levels=200, sigma_max=100.0, evaluations=200, denoise=False)
    ratio = (100 / 0.02) ** (1 / 199)
    rules: tuple[tuple[Literal["untold", "equation_6"], float, float], ...] = (
        ("untold", 1.3, 1.35),
        ("equation_6", 1000.0, 2000.0),
    )
    for rule, least, most in rules:
        built = system(replace(config, step_rule=rule), spec, scrambled=False)
        with torch.no_grad():
            built.denoiser.network.scales.bias.fill_(-1.0)
        sampler = built.sampler()
        expected = lag_of_untold(sampler.step_size, ratio, sampler.steps_per_level, 200)
        found = float(built.sample(4, generator=seeded(0)).x.square().mean().sqrt()) / 0.02
        assert found == pytest.approx(expected, rel=0.02)
        assert least < found < most
    assert best_step_of_untold(ratio, 20, 200) == pytest.approx(math.sqrt(2 * math.log(ratio) / 20), rel=0.1)


def test_the_step_of_a_network_that_is_told_is_equation_6() -> None:
    told = system(replace(V2, told=True))
    ladder = told.ladder
    ratio = (ladder.sigma_max / ladder.sigma_min) ** (1 / (ladder.n_levels - 1))
    assert told.sampler().step_size == pytest.approx(
        best_step_size(1.0, ratio, told.sampler().steps_per_level), rel=1e-6
    )
    assert system(replace(V2, step_rule="equation_6")).sampler() == told.sampler()


def test_technique_1_balances_classes_where_a_low_start_does_not() -> None:
    """The exact score of 500 digits and no network, 300 chains that start uniformly in the pixels' range. From sigma 2
    (1 of [0, 1]) zeros, near the middle grey, are drawn too often and ones hardly ever; from the largest distance the
    classes come out as they are in the data. Chi-squared of 9 degrees has mean 9; published work with 10,000 digits of
    28 x 28: 60 and 19."""
    batch = load("mnist5k@14").train.examples(500)
    mixture, labels = GaussianMixture(batch["x"]), batch["y"]
    wanted = labels.bincount(minlength=10) * (300 / 500)
    start = 2 * rand((300, *batch["x"].shape[1:]), generator=seeded(0)) - 1
    chi2, ones = [], []
    for highest in (2.0, max_distance(batch["x"].flatten(1))):
        ladder = NCSNLadder.of_data(highest, 196, 0.02)
        steps = round(100 / ladder.n_levels)
        ratio = (highest / 0.02) ** (1 / (ladder.n_levels - 1))
        sampler = AnnealedLangevin(ladder.n_levels, steps, best_step_size(1.0, ratio, steps), ladder)
        x = sampler(mixture, start, generator=seeded(0, 1)).x
        nearest = torch.cdist(x.flatten(1), batch["x"].flatten(1)).argmin(dim=1)
        counts = labels[nearest].bincount(minlength=10)
        chi2.append(float(((counts - wanted).square() / wanted).sum()))
        ones.append(int(counts[1]))
    assert chi2[0] > 45 and chi2[1] < 27.9  # a thousandth of balanced draws are above 27.9
    assert ones[0] < 0.3 * wanted[1] < 0.5 * wanted[1] < ones[1]
