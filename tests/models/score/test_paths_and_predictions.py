"""Path and prediction are axes of their own: the exact network of each of twelve combinations, written on x_t and t of
its path's paper, is one and the same denoiser of Gaussian data, and is sampled as such."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.parametrisation import Prediction
from gibbsweep_models.nn.noise_networks.configs import VectorNetConfig
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.noise.linear import LinearSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.vp import VPSchedule
from gibbsweep_models.objectives.score_matching.denoising_loss import DenoisingLoss
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.trained_levels import DenoiserSampler, Schedule
from gibbsweep_models.score.score_model import ScoreModelConfig, ScoreModelSystem
from gibbsweep_models.types import DataSpec

MEAN, STD, SIGMA_DATA = 0.3, 0.6, 0.7
"""Data N(MEAN, STD²), which SIGMA_DATA need not describe."""
DIM = 3


@dataclass(frozen=True)
class Path:
    """x_t = a(t) x_0 + b(t) n."""

    schedule: Schedule

    def of(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a and b as the path's paper writes them."""
        if isinstance(self.schedule, GeometricSchedule):
            ratio = self.schedule.sigma_max / self.schedule.sigma_min
            return torch.ones_like(t), self.schedule.sigma_min * ratio**t
        if isinstance(self.schedule, LinearSchedule):
            return 1 - t, t
        integral = 0.1 * t + 9.95 * t**2
        return torch.exp(-0.5 * integral), torch.sqrt(-torch.expm1(-integral))


PATHS = {
    "ve": Path(GeometricSchedule(0.01, 30.0)),
    "vp": Path(VPSchedule()),
    "linear": Path(LinearSchedule()),
}
PREDICTIONS: tuple[Prediction, ...] = ("x0", "eps", "velocity", "edm")
twelve = pytest.mark.parametrize("predicts", PREDICTIONS)
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)


class Exact(nn.Module):
    """The conditional mean of what is predicted, given x_t and t."""

    def __init__(self, path: Path, predicts: Prediction) -> None:
        super().__init__()
        self.path, self.predicts = path, predicts

    def forward(self, scaled: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        level = torch.exp(4 * noise)
        unscaled = scaled * expand_like(torch.hypot(level, torch.full_like(level, SIGMA_DATA)), scaled)
        a, b = (expand_like(part, scaled) for part in self.path.of(self.path.schedule.time(level)))
        x_t = a * unscaled
        centred = (x_t - a * MEAN) / (a**2 * STD**2 + b**2)
        clean, n = MEAN + a * STD**2 * centred, b * centred
        match self.predicts:
            case "x0":
                return clean
            case "eps":
                return n
            case "velocity":
                return n - clean
            case _:  # Karras et al., equation 8: (x_0 - c_skip x) / c_out
                sigma = b / a
                total = sigma**2 + SIGMA_DATA**2
                return (clean - SIGMA_DATA**2 / total * unscaled) * total.sqrt() / (sigma * SIGMA_DATA)


def system_of(path: Path, predicts: Prediction, sampler: DenoiserSampler | None = None) -> ScoreModelSystem:
    config = ScoreModelConfig(
        VectorNetConfig(8, 1),
        path.schedule,
        predicts,
        sampler=sampler or Heun(60, path.schedule),
        sigma_data=SIGMA_DATA,
    )
    system = config.build(DataSpec((DIM,)))
    system.denoiser.network = Exact(path, predicts)
    system = system.double()
    system.denoiser.sigma_data.fill_(SIGMA_DATA)
    return system


def posterior_mean(x: Tensor, sigma: Tensor) -> Tensor:
    level = expand_like(sigma, x)
    return (STD**2 * x + level**2 * MEAN) / (STD**2 + level**2)


@paths
@twelve
@settings(deadline=None, max_examples=30)
@given(share=st.floats(0, 1), seed=st.integers(0, 100))
def test_twelve_exact_networks_are_one_denoiser(path: Path, predicts: Prediction, share: float, seed: int) -> None:
    schedule = path.schedule
    t = torch.full((4,), schedule.t_min + share * (schedule.t_max - schedule.t_min), dtype=torch.float64)
    a, b = path.of(t)
    sigma = schedule.sigma(t)
    torch.testing.assert_close(sigma, b / a)
    torch.testing.assert_close(schedule.scale(sigma), a)
    x = 2 * randn((4, DIM), generator=seeded(seed), dtype=torch.float64) * expand_like(1 + sigma, torch.empty(4, DIM))
    denoised = system_of(path, predicts).denoise(x, sigma, generator=seeded(0))
    torch.testing.assert_close(denoised, posterior_mean(x, sigma), rtol=1e-7, atol=1e-7)


@paths
@twelve
def test_the_loss_of_an_exact_network_is_the_posterior_s_variance(path: Path, predicts: Prediction) -> None:
    """E |D - x_0|² = STD² sigma² / (STD² + sigma²), at the path's own levels, to four standard errors."""
    n, schedule = 20_000, path.schedule
    x = MEAN + STD * randn((n, DIM), generator=seeded(1), dtype=torch.float64)
    loss = DenoisingLoss(schedule, weight="velocity")
    system = system_of(path, predicts)
    found = torch.stack([loss(system, {"x": x}, generator=seeded(2, i)).total.detach() for i in range(4)])
    t = torch.linspace(schedule.t_min, schedule.t_max, 100_001, dtype=torch.float64)
    sigma = schedule.sigma(t)
    expected = float(((1 + sigma).square() * STD**2 / (STD**2 + sigma**2)).mean())
    spread = float((((1 + sigma).square() * STD**2 / (STD**2 + sigma**2)).square().mean() * 3).sqrt())
    assert float(found.mean()) == pytest.approx(expected, abs=4 * spread / math.sqrt(4 * n))


SAMPLERS: dict[str, Callable[[Schedule], DenoiserSampler]] = {
    "heun": lambda schedule: Heun(60, schedule),
    "euler": lambda schedule: Euler(400, schedule),
    "ancestral": lambda schedule: Ancestral(400, schedule),
    "predictor_corrector": lambda schedule: PredictorCorrector(300, 1, 0.05, "ancestral", schedule, step="sigma"),
    "probability_flow": lambda schedule: ProbabilityFlow(schedule=schedule, rtol=1e-6, atol=1e-6),
}


@pytest.mark.parametrize("sampler", SAMPLERS)
@paths
def test_every_sampler_draws_the_data_on_every_path_whatever_is_predicted(path: Path, sampler: str) -> None:
    n = 2_000
    draw = SAMPLERS[sampler](path.schedule)
    start = draw.start((n, DIM), generator=seeded(3)).double()
    draws = [draw(system_of(path, what, draw).denoiser, start, generator=seeded(4)).x for what in PREDICTIONS]
    x = draws[-1]
    for other in draws[:-1]:
        torch.testing.assert_close(other, x, rtol=1e-6, atol=1e-6)
    assert float(x.mean()) == pytest.approx(MEAN, abs=4 * STD / math.sqrt(n * DIM) + 0.01)
    variance = float((x - MEAN).square().mean())
    assert variance == pytest.approx(STD**2, rel=4 * math.sqrt(2 / (n * DIM)) + 0.03)


def test_euler_s_method_is_that_of_flow_matching() -> None:
    """x_t + (t' - t)(n - x_0), with what the network says of n and x_0, in the paper's own variable."""
    path = PATHS["linear"]
    sampler = Euler(10, path.schedule)
    system = system_of(path, "velocity", sampler)
    start = sampler.start((5, DIM), generator=seeded(4)).double()
    ours = sampler(system.denoiser, start, generator=seeded(0)).x
    t = path.schedule.time(path.schedule.sigmas(10).double())
    x_t = (1 - t[0]) * start
    for now, after in pairwise(t):
        a, b = 1 - now, now
        centred = (x_t - a * MEAN) / (a**2 * STD**2 + b**2)
        x_t = x_t + (after - now) * (b * centred - MEAN - a * STD**2 * centred)
    torch.testing.assert_close(ours, x_t, rtol=1e-6, atol=1e-6)
