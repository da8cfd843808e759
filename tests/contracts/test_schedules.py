"""Every noise schedule descends to 0 and draws positive training levels."""

from __future__ import annotations

import dataclasses
import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.discover import classes
from tests.contracts.schedules import SCHEDULES

import gibbsweep_models.noise
from gibbsweep_models.draws import seeded
from gibbsweep_models.noise.snr import log_snr, sigma_of_log_snr
from gibbsweep_models.noise.timed import TimedSchedule, levels, prior_std
from gibbsweep_models.types import NoiseSchedule

TIMED = {name: schedule for name, schedule in SCHEDULES.items() if isinstance(schedule, TimedSchedule)}
schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
timed = pytest.mark.parametrize("schedule", TIMED.values(), ids=TIMED)
ONE_LEVEL = {
    name for name, schedule in SCHEDULES.items() if schedule.sample(1000, generator=seeded(0)).unique().numel() == 1
}
"""Those that train at one level of noise alone."""
spread = pytest.mark.parametrize("name", [name for name in SCHEDULES if name not in ONE_LEVEL])


def test_the_list_is_complete() -> None:
    concrete = [
        cls for cls in classes(gibbsweep_models.noise) if hasattr(cls, "sigmas") and not inspect.isabstract(cls)
    ]
    present = {cls.__name__ for cls in concrete}
    assert present == {type(schedule).__name__ for schedule in SCHEDULES.values()}


@schedules
@pytest.mark.parametrize("n_steps", [1, 2, 18, 1000])
def test_a_grid_descends_strictly_to_zero(schedule: NoiseSchedule, n_steps: int) -> None:
    sigmas = schedule.sigmas(n_steps)
    assert (sigmas.shape, sigmas.dtype) == ((n_steps + 1,), torch.float32)
    assert bool((sigmas.diff() < 0).all())
    assert float(sigmas[-1]) == 0.0
    assert torch.isfinite(sigmas).all()
    assert torch.equal(sigmas, schedule.sigmas(n_steps))


@schedules
def test_a_grid_of_no_steps_is_refused(schedule: NoiseSchedule) -> None:
    with pytest.raises(ValueError, match="n_steps=0"):
        schedule.sigmas(0)


@schedules
def test_training_levels_are_positive_and_follow_their_generator(schedule: NoiseSchedule) -> None:
    levels = schedule.sample(1000, generator=seeded(0))
    assert (levels.shape, levels.dtype) == ((1000,), torch.float32)
    assert bool((levels > 0).all()) and bool(torch.isfinite(levels).all())
    assert torch.equal(levels, schedule.sample(1000, generator=seeded(0)))


@spread
def test_training_levels_of_another_generator_are_others(name: str) -> None:
    one, other = (SCHEDULES[name].sample(1000, generator=seeded(seed)) for seed in (0, 1))
    assert not torch.equal(one, other)


@schedules
def test_workers_draw_their_halves_of_the_training_levels(schedule: NoiseSchedule) -> None:
    halves = [schedule.sample(50, generator=seeded(0, rank=rank, world_size=2)) for rank in range(2)]
    assert torch.equal(torch.cat(halves), schedule.sample(100, generator=seeded(0)))


@schedules
def test_a_schedule_is_a_frozen_dataclass(schedule: NoiseSchedule) -> None:
    assert dataclasses.is_dataclass(schedule) and not isinstance(schedule, type)
    twin = dataclasses.replace(schedule)
    assert (twin, hash(twin)) == (schedule, hash(schedule))


@schedules
def test_a_sampler_accepts_its_levels(schedule: NoiseSchedule) -> None:
    assert levels(schedule, 5) == schedule.sigmas(5).tolist()
    assert prior_std(schedule) >= float(schedule.sigmas(1)[0]) * (1 - 1e-6)


@timed
@settings(deadline=None)
@given(share=st.floats(0, 1))
def test_time_sigma_and_log_snr_are_inverses(schedule: TimedSchedule, share: float) -> None:
    t = torch.tensor([schedule.t_min + share * (schedule.t_max - schedule.t_min)], dtype=torch.float64)
    sigma = schedule.sigma(t)
    assert sigma.shape == t.shape and sigma.dtype == torch.float64
    torch.testing.assert_close(schedule.time(sigma), t, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(schedule.sigma(schedule.time(sigma)), sigma, rtol=1e-8, atol=0)
    torch.testing.assert_close(sigma_of_log_snr(log_snr(sigma)), sigma, rtol=1e-12, atol=0)
    single = schedule.sigma(t.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), sigma, rtol=2e-3, atol=0)


@timed
def test_the_ends_are_the_range_and_the_grid_starts_at_the_top(schedule: TimedSchedule) -> None:
    low, high = schedule.sigma_range
    grid = schedule.sigmas(7)
    assert float(grid[0]) == pytest.approx(high) and float(grid[-2]) == pytest.approx(low)


@timed
def test_the_rate_is_the_derivative_of_the_logarithm(schedule: TimedSchedule) -> None:
    span = schedule.t_max - schedule.t_min
    # Off the rungs of a ladder, where the line of ln(sigma) bends.
    t = schedule.t_min + span * torch.tensor([0.0123, 0.237, 0.511, 0.923], dtype=torch.float64)
    step = 1e-6 * span
    difference = (schedule.sigma(t + step).log() - schedule.sigma(t - step).log()) / (2 * step)
    torch.testing.assert_close(schedule.log_rate(t), difference, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", [name for name in TIMED if name in ONE_LEVEL])
def test_one_training_level_has_no_density(name: str) -> None:
    with pytest.raises(ValueError, match="no density"):
        TIMED[name].density(torch.ones(1))


@pytest.mark.parametrize("name", [name for name in TIMED if name not in ONE_LEVEL])
def test_training_levels_have_the_density_that_is_stated(name: str) -> None:
    """The share of levels below each of a few, against the integral of the density of ln(sigma)."""
    schedule, n = TIMED[name], 20_000
    drawn = schedule.sample(n, generator=seeded(3)).double().log().sort().values
    low, high = schedule.sigma_range
    grid = torch.linspace(math.log(low) + 1e-9, math.log(high) - 1e-9, 20_001, dtype=torch.float64)
    below = torch.searchsorted(drawn, grid, right=True) / n
    density = schedule.density(grid.exp())
    inside = torch.cumulative_trapezoid(density, grid)
    empirical = below[1:] - below[0]
    rungs = getattr(schedule, "n_levels", math.inf)
    assert float((inside - empirical).abs().max()) < 2 / rungs + 4 * 0.5 / math.sqrt(n)


@timed
def test_a_scale_is_a_share_that_falls_with_noise(schedule: TimedSchedule) -> None:
    sigma = torch.tensor(schedule.sigma_range, dtype=torch.float64)
    first, last = schedule.scale(sigma).tolist()
    assert 0 < last <= first <= 1
