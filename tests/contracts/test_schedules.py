"""Every noise schedule descends to 0 and draws positive training levels."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.contracts.discover import classes
from tests.contracts.schedules import SCHEDULES

import gibbsweep_models.noise
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import NoiseSchedule

schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def test_the_list_is_complete() -> None:
    present = {cls.__name__ for cls in classes(gibbsweep_models.noise) if hasattr(cls, "sigmas")}
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
    if bool((levels != levels[0]).any()):
        assert not torch.equal(levels, schedule.sample(1000, generator=seeded(1)))


@schedules
def test_workers_draw_their_halves_of_the_training_levels(schedule: NoiseSchedule) -> None:
    halves = [schedule.sample(50, generator=seeded(0, rank=rank, world_size=2)) for rank in range(2)]
    assert torch.equal(torch.cat(halves), schedule.sample(100, generator=seeded(0)))


@schedules
def test_a_schedule_is_a_frozen_dataclass(schedule: NoiseSchedule) -> None:
    assert dataclasses.is_dataclass(schedule) and not isinstance(schedule, type)
    twin = dataclasses.replace(schedule)
    assert (twin, hash(twin)) == (schedule, hash(schedule))
