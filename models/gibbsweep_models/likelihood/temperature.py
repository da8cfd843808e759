"""The temperature at which an energy explains data best: one number, fitted by maximum likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gibbsweep_models.likelihood.annealed_mala import (
    LONGEST_STEP,
    TARGET_ACCEPTANCE,
    cube_transition,
    exact_energies,
    uniform_state,
)
from gibbsweep_models.likelihood.weights import log_mean_weight
from gibbsweep_models.types import EnergyFn

SMALLEST = 1e-2  # of |beta E|'s spread over uniform noise: below that a density is flat


def best_inverse_temperature(
    energy: EnergyFn,
    x: Tensor,
    *,
    largest: float,
    n_temperatures: int = 400,
    n_chains: int = 32,
    transitions: int = 4,
    generator: torch.Generator,
) -> float:
    """The beta in (0, ``largest``] that maximises the mean log-likelihood of ``x`` (N, *D) under exp(-beta E) / Z(beta)
    on the cube, as far as it can be measured.

    The derivative of that likelihood is <E>_beta - mean E(x), so the maximum is where chains have the energy of the
    data. Chains climb a geometric grid of betas, ``transitions`` MALA steps on each, until they do, or until their
    importance weights are worth fewer than an eighth of them: beyond that no annealing of this length determines the
    partition function, and a likelihood would be a guess.
    """
    if largest <= 0:
        raise ValueError(f"got largest={largest}, expected a positive inverse temperature")
    log_step = math.log(LONGEST_STEP)
    with exact_energies(x):
        with torch.no_grad():
            target = torch.cat([energy(part).double() for part in torch.split(x, 512)]).mean().item()
        state = uniform_state(energy, n_chains, tuple(x.shape[1:]), generator, x.dtype)
        log_w = torch.zeros(n_chains, dtype=torch.float64, device=x.device)
        smallest = min(largest, SMALLEST / max(float(state.energy.std()), 1e-12))
        before = 0.0
        for k in range(n_temperatures):
            beta = float(smallest * (largest / smallest) ** (k / max(1, n_temperatures - 1)))
            log_w -= (beta - before) * state.energy.double()
            if log_mean_weight(log_w)[2] < n_chains / 8:
                return before or beta
            total = 0.0
            for _ in range(transitions):
                state, rate = cube_transition(energy, state, math.exp(log_step), beta, generator)
                log_step = min(log_step + 0.5 * (rate - TARGET_ACCEPTANCE), math.log(LONGEST_STEP))
                total += float(state.energy.double().mean()) / transitions
            if total <= target:
                return beta
            before = beta
    return largest
