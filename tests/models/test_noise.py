"""Noise schedules against the formulas of their papers, and NCSNv2's rules against its published ladders."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.ladder import DDPMLadder, NCSNLadder
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.ncsnv2 import (
    best_step_size,
    levels_between,
    ratio_of_overlap,
    shell_overlap,
    variance_ratio,
)
from gibbsweep_models.noise.snr import log_snr, sigma_of_alpha_bar, sigma_of_log_snr, unit_variance_scale
from gibbsweep_models.noise.timed import TimedSchedule, levels
from gibbsweep_models.noise.vp import CosineSchedule, SubVPSchedule, VPSchedule

PUBLISHED = {
    # sigma_max, levels, steps a level, dimensions -> gamma, C, the best step, the variance ratio at it
    "cifar10": ((50.0, 232, 5, 3 * 32**2), (1.03756, 0.567, 6.18e-6, 1.0555)),
    "celeba": ((90.0, 500, 5, 3 * 64**2), (1.01841, 0.567, 3.34e-6, 1.0314)),
    "church": ((140.0, 788, 4, 3 * 96**2), (1.01220, 0.566, 2.31e-6, 1.0224)),
    "bedroom": ((190.0, 1086, 3, 3 * 128**2), (1.00912, 0.566, 1.77e-6, 1.0174)),
    "ffhq": ((348.0, 2311, 3, 3 * 256**2), (1.00454, 0.567, 8.93e-7, 1.0089)),
}


@pytest.mark.parametrize(("ladder", "numbers"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_ladders_follow_techniques_two_and_four(
    ladder: tuple[float, int, int, int], numbers: tuple[float, float, float, float]
) -> None:
    sigma_max, n_levels, steps, dim = ladder
    gamma, overlap, step_size, ratio = numbers
    found = (sigma_max / 0.01) ** (1 / (n_levels - 1))
    assert found == pytest.approx(gamma, abs=1e-5)
    assert shell_overlap(found, dim) == pytest.approx(overlap, abs=1e-3)
    best = best_step_size(0.01, found, steps)
    assert best == pytest.approx(step_size, rel=2e-3)
    assert variance_ratio(best / 0.01**2, found, steps) == pytest.approx(ratio, abs=1e-4)


def test_where_publications_leave_the_rules() -> None:
    """Church's 4.9e-6 is not the best step; NCSN's ten levels do not overlap and its chains end 11 % too wide; exact
    overlap .5 asks for 219 levels on CIFAR-10, not 232."""
    church = (140 / 0.01) ** (1 / 787)
    assert variance_ratio(4.9e-6 / 1e-4, church, 4) == pytest.approx(1.0247, abs=1e-4)
    ncsn = 100 ** (1 / 9)
    assert shell_overlap(ncsn, 3072) == 0.0
    assert variance_ratio(2e-5 / 1e-4, ncsn, 100) == pytest.approx(1.111, abs=1e-3)
    assert best_step_size(0.01, ncsn, 100) == pytest.approx(3.23e-6, rel=2e-3)
    assert levels_between(0.01, 50.0, ratio_of_overlap(0.5, 3072)) == 219


def test_the_rules_on_mnist() -> None:
    gamma = ratio_of_overlap(0.5, 784)
    assert gamma == pytest.approx(1.0820, abs=1e-4)
    assert shell_overlap(gamma, 784) == pytest.approx(0.5, abs=1e-9)
    assert gamma == pytest.approx(1 + 3 / math.sqrt(2 * 784), abs=0.01)  # the rule of thumb
    ladder = NCSNLadder.of_data(17.0, 784)
    assert (ladder.n_levels, ladder.sigma_max) == (95, 17.0)
    spaced = (17 / 0.01) ** (1 / 94)
    assert best_step_size(0.01, spaced, 5) == pytest.approx(1.11e-5, rel=5e-3)
    assert best_step_size(0.01, spaced, 3) == pytest.approx(1.26e-5, rel=6e-3)


def test_the_variance_ratio_is_that_of_a_chain() -> None:
    """On a point at 0 blurred by sigma, x <- (1 - a) x + sqrt(2 a) sigma n from a chain of variance (gamma sigma)²."""
    step, gamma = 0.07, 1.3
    variance = gamma**2
    for _ in range(6):
        variance = (1 - step) ** 2 * variance + 2 * step
    assert variance_ratio(step, gamma, 6) == pytest.approx(variance, rel=1e-12)


def test_a_ladder_is_geometric_and_its_training_levels_are_its_rungs() -> None:
    ladder = NCSNLadder(0.01, 1.0, 10)
    torch.testing.assert_close(ladder.sigmas(10), GeometricSchedule(0.01, 1.0).sigmas(10))
    drawn = ladder.sample(5000, generator=torch.Generator().manual_seed(0)).unique()
    torch.testing.assert_close(drawn, ladder.rungs().float())


def test_ddpm_in_this_convention() -> None:
    ladder = DDPMLadder()
    assert unit_variance_scale(ladder.rungs())[-1].item() ** 2 == pytest.approx(4.0358e-5, rel=1e-4)
    assert ladder.prior_std == pytest.approx(1 / math.sqrt(4.0358e-5), rel=1e-4)
    assert unit_variance_scale(ladder.rungs())[0].item() ** 2 == pytest.approx(1 - 1e-4)
    fast = DDPMLadder(50, 1e-4, 0.05)
    assert float(fast.rungs()[1]) == pytest.approx(math.sqrt(1 / ((1 - 1e-4) * (1 - 1e-4 - 0.0499 / 49)) - 1))
    continuous = VPSchedule()  # the limit of many steps: beta_min / T and beta_max / T are DDPM's
    assert continuous.scale(torch.tensor(continuous.sigma_range[1])).item() ** 2 == pytest.approx(math.exp(-10.05))


VP_FORMULAS: dict[str, tuple[TimedSchedule, Callable[[Tensor], tuple[Tensor, Tensor]]]] = {
    "vp": (VPSchedule(), lambda b: (torch.exp(-b / 2), torch.sqrt(1 - torch.exp(-b)))),
    "sub_vp": (SubVPSchedule(), lambda b: (torch.exp(-b / 2), 1 - torch.exp(-b))),
}


@pytest.mark.parametrize(("schedule", "formula"), VP_FORMULAS.values(), ids=VP_FORMULAS)
def test_published_means_and_deviations(
    schedule: TimedSchedule, formula: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> None:
    """x_t has mean s x_0 and deviation s sigma, and g(t)² over its variance is twice the rate of ln(sigma)."""
    t = torch.linspace(0.01, 1, 12, dtype=torch.float64)
    beta, integral = 0.1 + 19.9 * t, 0.1 * t + 19.9 * t**2 / 2
    mean, deviation = formula(integral)
    sigma = schedule.sigma(t)
    torch.testing.assert_close(schedule.scale(sigma), mean)
    torch.testing.assert_close(schedule.scale(sigma) * sigma, deviation)
    g_squared = beta if isinstance(schedule, VPSchedule) else beta * (1 - torch.exp(-2 * integral))
    torch.testing.assert_close(2 * schedule.log_rate(t), g_squared / deviation**2)


def test_cosine_alpha_bar() -> None:
    t = torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    angle = (t + 0.008) / 1.008 * math.pi / 2
    alpha_bar = torch.cos(angle) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    torch.testing.assert_close(CosineSchedule().sigma(t), sigma_of_alpha_bar(alpha_bar))


def test_the_straight_path() -> None:
    """Lipman et al.: x_t = (1 - t) x_0 + t n; Esser et al.: a logit-normal t is a lognormal sigma."""
    schedule, t = LinearSchedule(), torch.linspace(0.01, 0.99, 9, dtype=torch.float64)
    sigma = schedule.sigma(t)
    torch.testing.assert_close(schedule.scale(sigma), 1 - t)
    torch.testing.assert_close(schedule.scale(sigma) * sigma, t)
    torch.testing.assert_close(sigma.log(), torch.logit(t))
    assert schedule.prior_std == pytest.approx(1 / (1 - schedule.t_max))


def test_conversions_without_a_schedule() -> None:
    sigma = torch.tensor([0.002, 0.5, 1.0, 80.0], dtype=torch.float64)
    assert float(log_snr(sigma)[2]) == 0.0
    torch.testing.assert_close(sigma_of_log_snr(log_snr(sigma)), sigma)
    alpha = unit_variance_scale(sigma)
    torch.testing.assert_close(alpha**2 * (1 + sigma**2), torch.ones_like(sigma))
    torch.testing.assert_close(sigma_of_alpha_bar(alpha**2), sigma)


class Endless:
    def __init__(self, *values: float) -> None:
        self.values = torch.tensor(values)

    def sigmas(self, n_steps: int) -> Tensor:
        return self.values

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.ones(n)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((1.0, 0.1, 0.01), "ends at sigma=0.01, expected 0"),
        ((1.0, 2.0, 0.0), "do not descend strictly"),
        ((math.inf, 1.0, 0.0), "do not descend strictly"),
        ((1.0, 0.0), r"got \(2,\) noise levels, expected \(3,\)"),
    ],
)
def test_a_sampler_refuses_levels_that_do_not_end_in_zero(values: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        levels(Endless(*values), 2)


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: GeometricSchedule(0.0, 1.0), "sigma_min=0.0"),
    (lambda: NCSNLadder(1.0, 1.0), "0 < sigma_min < sigma_max"),
    (lambda: NCSNLadder(n_levels=1), "at least 2 rungs"),
    (lambda: DDPMLadder(beta_last=1.0), "beta_last"),
    (lambda: VPSchedule(beta_min=-1.0), "beta_min"),
    (lambda: VPSchedule(t_min=0.0), "t_min=0.0"),
    (lambda: SubVPSchedule(t_max=2.0), "t_max=2.0"),
    (lambda: CosineSchedule(t_max=1.0), "lower t_max"),
    (lambda: LinearSchedule(t_max=1.0), "lower t_max"),
    (lambda: ratio_of_overlap(0.5, 2), "at least 5"),
    (lambda: ratio_of_overlap(1.0, 100), "overlap=1.0"),
    (lambda: levels_between(0.1, 1.0, 1.0), "ratio above 1"),
    (lambda: best_step_size(0.0, 1.1, 3), "sigma_min=0.0"),
    (lambda: variance_ratio(2.0, 1.1, 3), "chains diverge"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
