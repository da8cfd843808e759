"""Every sampler with a model it fits, a start, its cost, and the moments it must reach. Adding a sampler is one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from tests.contracts.energies import QuadraticEnergy
from torch import Tensor, nn

from gibbsweep_models.draws import bernoulli, randn, seeded
from gibbsweep_models.nn.gaussian_rbm import GaussianRBM
from gibbsweep_models.nn.precondition import EDMPrecondition
from gibbsweep_models.nn.rbm import RBM
from gibbsweep_models.samplers.gaussian_gibbs import GaussianGibbs, GibbsLangevin
from gibbsweep_models.samplers.gibbs import BlockGibbs
from gibbsweep_models.samplers.heun import Heun
from gibbsweep_models.samplers.langevin import Langevin
from gibbsweep_models.samplers.mala import MALA
from gibbsweep_models.types import Sampler

MEAN, STD, SIGMA_DATA = 0.4, 0.8, 0.5


@dataclass(frozen=True)
class SamplerCase:
    """``sampler`` has ``n_steps`` steps. ``evaluations``: network evaluations per chain, which ``nfe`` must state.
    ``start``: n chains at stationarity, or at the highest noise. ``moments``: mean and variance that every component
    is left with, None where there is no closed form. ``draws``: whether it uses its generator."""

    sampler: Sampler[Any]
    model: Callable[[], nn.Module]
    start: Callable[[int, torch.Generator, torch.dtype], Tensor]
    n_steps: int
    evaluations: int
    moments: tuple[float, float] | None
    draws: bool = True
    chain: bool = True
    """Whether its steps are those of one stationary chain; a reverse-time sampler's are not."""


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
    "langevin": SamplerCase(
        Langevin(6, STEP), gaussian, normal(MEAN, math.sqrt(LANGEVIN_VARIANCE)), 6, 6, (MEAN, LANGEVIN_VARIANCE)
    ),
    "langevin_clamped": SamplerCase(
        Langevin(4, STEP, gradient_clip=0.5, clamp=(-1.0, 1.0)), gaussian, normal(MEAN, STD), 4, 4, None
    ),
    "mala": SamplerCase(MALA(6, 0.4), gaussian, normal(MEAN, STD), 6, 7, (MEAN, STD**2)),
    "heun": SamplerCase(
        Heun(64), gaussian_denoiser, FROM_NOISE, 64, 127, (0.0, SIGMA_DATA**2), draws=False, chain=False
    ),
    "heun_churned": SamplerCase(
        Heun(64, s_churn=10.0), gaussian_denoiser, FROM_NOISE, 64, 127, (0.0, SIGMA_DATA**2), chain=False
    ),
}
