"""Heun's sampler against the exact probability-flow solution of a Gaussian."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import seeded
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.samplers.diffusion.heun import Heun


@dataclass
class GaussianDenoiser:
    """E[x_0 | x] for data N(0, s² I)."""

    s: float
    calls: int = 0

    def __call__(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        self.calls += 1
        return x * expand_like(self.s**2 / (self.s**2 + sigma**2), x)


def error(n_steps: int, s: float, schedule: EDMSchedule) -> float:
    """Relative error at sigma = 0 of a chain started at 1 (the flow is linear)."""
    x = Heun(n_steps, schedule)(GaussianDenoiser(s), torch.ones(1, 1, dtype=torch.float64), generator=seeded(0)).x
    to_lowest = math.sqrt((s**2 + schedule.sigma_min**2) / (s**2 + schedule.sigma_max**2))
    # The last step is Euler's: it lands on the denoised value.
    return abs(float(x) / (to_lowest * s**2 / (s**2 + schedule.sigma_min**2)) - 1)


@pytest.mark.parametrize("rho", [5.0, 7.0])
@pytest.mark.parametrize("s", [0.5, 1.0])
def test_convergence_is_of_order_two(rho: float, s: float) -> None:
    schedule = EDMSchedule(rho=rho)
    errors = [error(n, s, schedule) for n in (64, 128, 256)]
    assert errors[0] < 0.01
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize("s_churn", [0.0, 20.0])
def test_samples_have_the_variance_of_the_data(s_churn: float) -> None:
    n, s = 40_000, 0.5
    sampler = Heun(128, s_churn=s_churn)
    generator = seeded(3)
    start = sampler.start((n, 1), generator=generator)
    x = sampler(GaussianDenoiser(s), start, generator=generator).x.double()
    assert float(x.mean()) == pytest.approx(0, abs=4 * s / math.sqrt(n))
    bias = 0.005  # of 128 steps, see the test of the order
    assert float(x.var()) == pytest.approx(s**2, rel=4 * math.sqrt(2 / n) + bias)


def test_start_is_noise_at_the_highest_level() -> None:
    n = 20_000
    start = Heun(schedule=EDMSchedule(sigma_max=30.0)).start((n, 2), generator=seeded(0))
    assert float(start.std()) == pytest.approx(30, rel=4 / math.sqrt(2 * 2 * n))


@pytest.mark.parametrize("n_steps", [1, 2, 18])
def test_evaluations_and_trace(n_steps: int) -> None:
    denoiser, seen = GaussianDenoiser(1.0), list[tuple[int, Tensor]]()
    x = torch.full((3, 1, 2, 2), 80.0)
    out = Heun(n_steps)(denoiser, x, generator=seeded(0), trace=lambda step, x: seen.append((step, x)))
    assert denoiser.calls == out.nfe == 2 * n_steps - 1
    assert [step for step, _ in seen] == list(range(1, n_steps + 1))
    torch.testing.assert_close(seen[-1][1], out.x, rtol=0, atol=0)
    assert (x == 80.0).all()


def test_a_point_mass_is_reached_exactly_whatever_the_steps() -> None:
    point = torch.tensor([[0.25, -0.5]])
    for n_steps in (1, 3, 18):
        out = Heun(n_steps)(lambda x, sigma, cond=None: point.expand_as(x), torch.randn(5, 2), generator=seeded(0))
        torch.testing.assert_close(out.x, point.expand(5, 2), rtol=1e-5, atol=1e-5)


def test_without_churn_nothing_is_drawn_and_the_range_of_churn_is_kept() -> None:
    x = torch.ones(2, 3)
    for sampler, draws in [(Heun(5), False), (Heun(5, s_churn=5.0), True), (Heun(5, s_churn=5.0, s_min=100.0), False)]:
        generator = seeded(0)
        sampler(GaussianDenoiser(1.0), x, generator=generator)
        assert torch.equal(generator.get_state(), seeded(0).get_state()) is not draws


def test_churned_shards_are_the_halves_of_the_whole_batch() -> None:
    x = torch.arange(12.0).reshape(4, 3)
    sampler = Heun(5, s_churn=5.0)
    whole = sampler(GaussianDenoiser(1.0), x, generator=seeded(0)).x
    halves = [
        sampler(GaussianDenoiser(1.0), half, generator=seeded(0, rank=rank, world_size=2)).x
        for rank, half in enumerate(x.chunk(2))
    ]
    torch.testing.assert_close(torch.cat(halves), whole)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="n_steps"):
        Heun(0)
    with pytest.raises(ValueError, match="denoiser maps"):
        Heun(2)(lambda x, sigma, cond=None: x[:, :1], torch.ones(2, 3), generator=seeded(0))
