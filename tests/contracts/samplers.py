"""Every sampler with a model it fits and a start. Adding a sampler is one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from tests.contracts.energies import Quadratic
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.nn.rbm import RBM
from gibbsweep_models.noise.edm import EDMSchedule
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.samplers.gibbs import BlockGibbs
from gibbsweep_models.samplers.heun import Heun
from gibbsweep_models.samplers.langevin import Langevin
from gibbsweep_models.samplers.mala import MALA

N_STEPS = 4


@dataclass(frozen=True)
class Case:
    """``random``: whether the sampler itself draws (a deterministic one differs by its start alone)."""

    sampler: Any
    model: Callable[[], Any]
    start: Callable[[int, torch.Generator], Tensor]
    nfe: int
    random: bool = True


def gaussian_denoiser(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
    """E[x_0 | x] for data N(0, 1/4)."""
    return x * expand_like(0.25 / (0.25 + sigma**2), x)


def rbm() -> RBM:
    torch.manual_seed(0)
    return RBM(6, 4, initial_weight_scale=0.5)


def noise(n: int, generator: torch.Generator) -> Tensor:
    return draws.randn((n, 3), generator=generator)


def bits(n: int, generator: torch.Generator) -> Tensor:
    return (draws.rand((n, 6), generator=generator) < 0.5).float()


HEUN = Heun(N_STEPS, EDMSchedule())
CHURNED = Heun(N_STEPS, EDMSchedule(), s_churn=2.0)

SAMPLERS: dict[str, Case] = {
    "gibbs": Case(BlockGibbs(N_STEPS), rbm, bits, 2 * N_STEPS),
    "langevin": Case(Langevin(N_STEPS, 0.1), Quadratic, noise, N_STEPS),
    "langevin_clamped": Case(Langevin(N_STEPS, 0.1, gradient_clip=0.5, clamp=(-1.0, 1.0)), Quadratic, noise, N_STEPS),
    "mala": Case(MALA(N_STEPS, 0.3), Quadratic, noise, N_STEPS + 1),
    "heun": Case(HEUN, lambda: gaussian_denoiser, lambda n, g: HEUN.start((n, 3), generator=g), 2 * N_STEPS - 1, False),
    "heun_churned": Case(
        CHURNED, lambda: gaussian_denoiser, lambda n, g: CHURNED.start((n, 3), generator=g), 2 * N_STEPS - 1
    ),
}
