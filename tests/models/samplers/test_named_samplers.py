"""Samplers as a choice, schedules between two levels, and scores that nobody trains."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.densities import two_modes
from gibbsweep_models.noise.named import ScheduleName, schedule_between
from gibbsweep_models.samplers.diffusion.named import DenoiserSamplerConfig, DenoiserSamplerName
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.score.stored_score import StoredScoreConfig
from gibbsweep_models.types import DataSpec

PLANE = DataSpec((2,))


@pytest.mark.parametrize("name", get_args(ScheduleName))
def test_a_named_schedule_runs_between_its_levels(name: ScheduleName) -> None:
    grid = schedule_between(name, 0.03, 20.0).sigmas(9)
    assert float(grid[0]) == pytest.approx(20.0, rel=1e-5) and float(grid[-2]) == pytest.approx(0.03, rel=1e-4)


@pytest.mark.parametrize("nfe", [30, 101])
@pytest.mark.parametrize("name", [name for name in get_args(DenoiserSamplerName) if name != "probability_flow"])
def test_a_form_costs_no_more_than_it_may(name: DenoiserSamplerName, nfe: int) -> None:
    system = StoredScoreConfig(DenoiserSamplerConfig(name, nfe, sigma_min=0.01, sigma_max=2.0, step_size=1e-3)).build(
        PLANE
    )
    samples = system.sample(50, generator=seeded(0))
    assert nfe - 10 <= samples.nfe <= nfe
    assert samples.x.shape == (50, 2) and bool(torch.isfinite(samples.x).all())


@pytest.mark.parametrize(
    "name", [name for name in get_args(DenoiserSamplerName) if name not in ("langevin", "annealed_langevin")]
)
def test_samplers_of_reverse_time_weight_the_modes(name: DenoiserSamplerName) -> None:
    n = 2000
    system = StoredScoreConfig(DenoiserSamplerConfig(name, 300, "rho", 0.005, 8.0)).build(PLANE)
    share = float((system.sample(n, generator=seeded(1)).x.sum(dim=1) > 0).float().mean())
    assert share == pytest.approx(0.8, abs=4 * (0.16 / n) ** 0.5 + 0.02)


def test_plain_langevin_is_that_of_the_blurred_energy() -> None:
    """The same chain as Langevin dynamics on -ln p of the data blurred by sigma."""
    mixture, sigma = two_modes().double(), 0.03
    x = 0.3 * randn((40, 2), generator=seeded(0), dtype=torch.float64)
    ours = ScoreLangevin(50, 5e-4, sigma)(mixture, x, generator=seeded(1)).x

    def energy(x: torch.Tensor, cond: torch.Tensor | None = None) -> torch.Tensor:
        return -mixture.log_prob(x, x.new_full((len(x),), sigma))

    torch.testing.assert_close(ours, Langevin(50, 5e-4)(energy, x, generator=seeded(1)).x)


def test_the_score_of_examples_remembers_them() -> None:
    x = randn((60, 1, 4, 4), generator=seeded(0))
    system = StoredScoreConfig(DenoiserSamplerConfig("heun", 59, "rho", 0.02, 40.0), "examples", n_examples=30).build(
        DataSpec((1, 4, 4))
    )
    system.fit({"x": x}, generator=seeded(1))
    samples = system.sample(20, generator=seeded(2)).x
    nearest = torch.cdist(samples.flatten(1), x.flatten(1)).min(dim=1).values
    assert float(nearest.max()) < 5e-3
    torch.testing.assert_close(
        system.denoise(x[:1], torch.ones(1), generator=seeded(0)), system.denoiser(x[:1], torch.ones(1))
    )


def test_refusals() -> None:
    with pytest.raises(ValueError, match="sampler 'gibbs'"):
        DenoiserSamplerConfig("gibbs")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lower levels"):
        DenoiserSamplerConfig("annealed_langevin", 10, levels=20)
    with pytest.raises(ValueError, match="schedule 'straight'"):
        DenoiserSamplerConfig(schedule="straight")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected at most 152"):
        schedule_between("vp", 0.01, 1000.0)
    with pytest.raises(ValueError, match="sigma_min=2"):
        DenoiserSamplerConfig(sigma_min=2.0, sigma_max=1.0)
    with pytest.raises(ValueError, match="data of shape"):
        StoredScoreConfig().build(DataSpec((3,)))
    with pytest.raises(ValueError, match="units"):
        StoredScoreConfig().build(DataSpec((2,), "binary"))
    with pytest.raises(ValueError, match="sigma=None"):
        StoredScoreConfig().build(PLANE).denoise(torch.zeros(1, 2), None, generator=seeded(0))
    with pytest.raises(ValueError, match="reach=0"):
        ScoreLangevin(reach=0.0)
