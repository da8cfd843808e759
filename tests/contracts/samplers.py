"""Every sampler with a model it fits, a start, its cost, and the moments it must reach. Adding a sampler is one
line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from tests.contracts.energies import QuadraticEnergy
from torch import Tensor, nn

from gibbsweep_models.draws import bernoulli, randn, seeded
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.nn.energies.gaussian_rbm import GaussianRBM
from gibbsweep_models.nn.energies.rbm import RBM
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.ladder import NCSNLadder
from gibbsweep_models.samplers.diffusion.ancestral import Ancestral, Euler
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.predictor_corrector import PredictorCorrector
from gibbsweep_models.samplers.diffusion.probability_flow import ProbabilityFlow
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin
from gibbsweep_models.samplers.mcmc.class_gibbs import ClassGibbs
from gibbsweep_models.samplers.mcmc.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.samplers.mcmc.mala import MALA
from gibbsweep_models.samplers.mcmc.nesterov import NesterovDescent
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.types import Sampler

MEAN, STD, SIGMA_DATA = 0.4, 0.8, 0.5


@dataclass(frozen=True)
class SamplerCase:
    """``sampler`` has ``n_steps`` steps. ``evaluations``: network evaluations per chain, which ``nfe`` must state.
    Both are None where a tolerance decides. ``start``: n chains at stationarity, or at the highest noise.
    ``moments``: mean and variance that every component
    is left with, None where there is no closed form. ``draws``: whether it uses its generator."""

    sampler: Sampler[Any]
    model: Callable[[], nn.Module]
    start: Callable[[int, torch.Generator, torch.dtype], Tensor]
    n_steps: int | None
    evaluations: int | None
    moments: tuple[float, float] | None
    draws: bool = True
    chain: bool = True
    """Whether its steps are those of one stationary chain; a reverse-time sampler's are not."""
    bias: float = 0.0
    """What may be added to the error of the variance, as a share of it: of a method's order, where the variance that
    its steps
    leave has no closed form."""


def independent_units() -> RBM:
    """Weights of zero: visible units that are on with probability .3, whatever the hidden ones do."""
    machine = RBM(6, 4, centred=False, initial_weight_scale=0.0)
    nn.init.constant_(machine.visible_bias, math.log(0.3 / 0.7))
    return machine


def coupled_units() -> RBM:
    machine = RBM(6, 4, initial_weight_scale=0.0)
    nn.init.normal_(machine.weight, std=0.5, generator=seeded(0))
    return machine


def uncoupled_machine() -> GaussianRBM:
    """Weights of zero: visible units are independent normal numbers."""
    machine = GaussianRBM((1, 2, 3), 4, initial_weight_scale=0.0, smallest_variance=0.0)
    nn.init.constant_(machine.visible_bias, MEAN)
    nn.init.constant_(machine.log_variance, 2.0 * math.log(STD))
    return machine


def independent_units_and_classes() -> ClassRBM:
    machine = ClassRBM(6, 4, 3, initial_weight_scale=0.0)
    nn.init.constant_(machine.visible_bias, math.log(0.3 / 0.7))
    return machine


class Zero(nn.Module):
    """A network that says nothing, with one parameter that could catch a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        return self.gain * x


def gaussian_denoiser() -> EDMPrecondition:
    """c_skip x is the exact E[x_0 | x] of data N(0, SIGMA_DATA²)."""
    return EDMPrecondition(Zero(), SIGMA_DATA)


def gaussian() -> QuadraticEnergy:
    return QuadraticEnergy(MEAN, STD)


class Uphill(nn.Module):
    """The gradient of a Gaussian's energy as a field."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.tensor(MEAN))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / STD**2


def coins(n: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    return bernoulli(torch.full((n, 1, 2, 3), 0.3, dtype=dtype), generator=generator)


def normal(mean: float, std: float) -> Callable[[int, torch.Generator, torch.dtype], Tensor]:
    return lambda n, generator, dtype: mean + std * randn((n, 1, 2, 3), generator=generator, dtype=dtype)


STEP = 0.2
LANGEVIN_VARIANCE = STD**2 / (1 - STEP / (2 * STD**2))
"""Of the discretised chain."""

WARM_MEAN = 1 / (1 + math.sqrt(0.7 / 0.3))
"""Of units with half the log-odds of .3."""

FROM_NOISE = normal(0.0, 80.0)
NOISE = EDMSchedule(0.01, 80.0)
LADDER = NCSNLadder(0.01, 80.0, 60)


def kept(sigma: float) -> float:
    """D / x of :func:`gaussian_denoiser`."""
    return SIGMA_DATA**2 / (SIGMA_DATA**2 + sigma**2)


def ancestral_variance(n_steps: int, eta: float) -> float:
    """Of the chain x <- (k + b (1 - k) / a) x + u n from level a to b, u its fresh noise and b² less u² what is left
    of the old."""
    variance = 80.0**2
    for a, b in pairwise(NOISE.sigmas(n_steps).double().tolist()):
        fresh = eta * b * math.sqrt(1 - (b / a) ** 2)
        old = math.sqrt(b**2 - fresh**2) / a
        variance = (kept(a) + old * (1 - kept(a))) ** 2 * variance + fresh**2
    return variance


def diffusion_variance(n_steps: int, denoise: bool) -> float:
    """Of x <- x + (a² - b²) s(x) + sqrt(a² - b²) n."""
    variance = 80.0**2
    for a, b in pairwise(NOISE.sigmas(n_steps).double().tolist()):
        variance *= (1 - (a**2 - b**2) / (SIGMA_DATA**2 + a**2)) ** 2
        variance += (a**2 - b**2) if b > 0 or not denoise else 0.0
    return variance


def annealed_variance(sampler: AnnealedLangevin) -> float:
    """Of x <- x + e (D - x) + sqrt(2 e) a n, at every level a."""
    variance, grid = 80.0**2, sampler.schedule.sigmas(sampler.n_steps).double().tolist()[:-1]
    for a in grid:
        for _ in range(sampler.steps_per_level):
            gain = 1 - sampler.step_size * (1 - kept(a))
            variance = gain**2 * variance + 2 * sampler.step_size * a**2
    return variance * kept(grid[-1]) ** 2 if sampler.denoise else variance


def flow_variance(schedule: EDMSchedule) -> float:
    """Of the exact flow to the lowest level, and D there."""
    low, high = schedule.sigma_min, schedule.sigma_max
    return high**2 * (SIGMA_DATA**2 + low**2) / (SIGMA_DATA**2 + high**2) * kept(low) ** 2


def from_noise(
    sampler: Sampler[Any],
    n_steps: int | None,
    evaluations: int | None,
    variance: float | None,
    *,
    draws: bool = True,
    bias: float = 0.0,
) -> SamplerCase:
    """A sampler of a denoiser, from N(0, 80²) to data N(0, SIGMA_DATA²)."""
    moments = None if variance is None else (0.0, variance)
    return SamplerCase(
        sampler, gaussian_denoiser, FROM_NOISE, n_steps, evaluations, moments, draws, chain=False, bias=bias
    )


def langevin_variance(sampler: ScoreLangevin) -> float:
    """Of x <- x + a s + sqrt(2 a) n."""
    variance, gain = 80.0**2, 1 - sampler.step_size / (SIGMA_DATA**2 + sampler.sigma**2)
    for _ in range(sampler.n_steps):
        variance = gain**2 * variance + 2 * sampler.step_size
    return variance


def warmed_variance(sampler: WarmingLangevin) -> float:
    """Of x <- x - a (x - m) / STD² + sqrt(2 a T) n from N(m, STD²), T 0 until a time, then rising, then constant."""
    variance, gain = STD**2, 1 - sampler.step_size / STD**2
    for step in range(1, sampler.n_steps + 1):
        time = round(step * sampler.step_size, 9)
        rise = min(1.0, max(0.0, (time - sampler.warm_from) / (1 - sampler.warm_from)))
        variance = gain**2 * variance + 2 * sampler.step_size * sampler.temperature * rise
    return variance


def descended_variance(sampler: NesterovDescent) -> float:
    """Of the recursion in x_k - m."""
    before = now = 1.0
    for _ in range(sampler.n_steps):
        ahead = now + sampler.momentum * (now - before)
        before, now = now, (1 - sampler.step_size / STD**2) * ahead
    return STD**2 * now**2


WARMING = WarmingLangevin(14, 0.1, 0.5, warm_from=0.6)
DESCENT = NesterovDescent(5, 0.05, 0.4)
PLAIN = ScoreLangevin(100, 0.05, 0.1)
ANNEALED = AnnealedLangevin(60, 3, 0.3, LADDER)
NOISY = AnnealedLangevin(60, 2, 0.4, LADDER, denoise=False)

SAMPLERS: dict[str, SamplerCase] = {
    "block_gibbs": SamplerCase(BlockGibbs(6), independent_units, coins, 6, 12, (0.3, 0.21)),
    "block_gibbs_warm": SamplerCase(
        BlockGibbs(3, 2.0), independent_units, coins, 3, 6, (WARM_MEAN, WARM_MEAN * (1 - WARM_MEAN))
    ),
    "block_gibbs_coupled": SamplerCase(BlockGibbs(4), coupled_units, coins, 4, 8, None),
    "gaussian_gibbs": SamplerCase(GaussianGibbs(6), uncoupled_machine, normal(MEAN, STD), 6, 12, (MEAN, STD**2)),
    "gibbs_langevin": SamplerCase(
        GibbsLangevin(4, 3, 0.2, adjust=False),
        uncoupled_machine,
        normal(MEAN, STD / math.sqrt(0.9)),
        4,
        8,
        (MEAN, STD**2 / 0.9),  # of the inner chain, sigma² / (1 - step_size / 2)
    ),
    "gibbs_langevin_adjusted": SamplerCase(
        GibbsLangevin(4, 3, 0.2), uncoupled_machine, normal(MEAN, STD), 4, 8, (MEAN, STD**2)
    ),
    "class_gibbs": SamplerCase(ClassGibbs(6), independent_units_and_classes, coins, 6, 18, (0.3, 0.21)),
    "langevin": SamplerCase(
        Langevin(6, STEP), gaussian, normal(MEAN, math.sqrt(LANGEVIN_VARIANCE)), 6, 6, (MEAN, LANGEVIN_VARIANCE)
    ),
    "langevin_clamped": SamplerCase(
        Langevin(4, STEP, gradient_clip=0.5, clamp=(-1.0, 1.0)), gaussian, normal(MEAN, STD), 4, 4, None
    ),
    "warming_langevin": SamplerCase(
        WARMING, gaussian, normal(MEAN, STD), 14, 14, (MEAN, warmed_variance(WARMING)), chain=False
    ),
    "nesterov": SamplerCase(
        DESCENT, Uphill, normal(MEAN, STD), 5, 5, (MEAN, descended_variance(DESCENT)), draws=False, chain=False
    ),
    "mala": SamplerCase(MALA(6, 0.4), gaussian, normal(MEAN, STD), 6, 7, (MEAN, STD**2)),
    "heun": SamplerCase(
        Heun(64), gaussian_denoiser, FROM_NOISE, 64, 127, (0.0, SIGMA_DATA**2), draws=False, chain=False, bias=0.02
    ),
    "heun_churned": SamplerCase(
        Heun(64, s_churn=10.0), gaussian_denoiser, FROM_NOISE, 64, 127, (0.0, SIGMA_DATA**2), chain=False, bias=0.02
    ),
    "euler": from_noise(Euler(40, NOISE), 40, 40, ancestral_variance(40, 0.0), draws=False),
    "ancestral": from_noise(Ancestral(40, NOISE), 40, 40, ancestral_variance(40, 1.0)),
    "ancestral_half": from_noise(Ancestral(40, NOISE, eta=0.5), 40, 40, ancestral_variance(40, 0.5)),
    "annealed_langevin": from_noise(ANNEALED, 181, 181, annealed_variance(ANNEALED)),
    "annealed_langevin_noisy": from_noise(NOISY, 120, 120, annealed_variance(NOISY)),
    "reverse_diffusion": from_noise(
        PredictorCorrector(40, 0, schedule=NOISE), 40, 40, diffusion_variance(40, denoise=True)
    ),
    "reverse_diffusion_noisy": from_noise(
        PredictorCorrector(40, 0, schedule=NOISE, denoise=False), 40, 40, diffusion_variance(40, denoise=False)
    ),
    "predictor_corrector": from_noise(PredictorCorrector(20, 2, predictor="ancestral", schedule=NOISE), 20, 60, None),
    "corrector": from_noise(PredictorCorrector(20, 3, predictor="none", schedule=NOISE), 20, 61, None),
    "corrected_flow": from_noise(
        PredictorCorrector(20, 1, predictor="flow", schedule=NOISE, step="sigma"), 20, 40, None
    ),
    "score_langevin": from_noise(PLAIN, 100, 100, langevin_variance(PLAIN)),
    "probability_flow": from_noise(
        ProbabilityFlow(200, NOISE), None, None, flow_variance(NOISE), draws=False, bias=1e-4
    ),
}
