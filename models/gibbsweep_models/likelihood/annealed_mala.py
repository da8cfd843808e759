"""The partition function of a continuous energy on the cube [-1, 1]^D, estimated from below and from above.

Path: exp(-beta E) on the cube, from the uniform density at beta = 0 (log Z = D log 2) to the model at beta = 1, by
Metropolis-adjusted Langevin transitions that reflect at the walls. Sources: Neal, "Annealed importance
sampling" (2001); Burda, Grosse & Salakhutdinov, "Accurate and conservative estimates of MRF log-likelihood using
reverse annealing" (2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.draws import rand
from gibbsweep_models.likelihood.weights import log_mean_weight
from gibbsweep_models.samplers.mcmc.transitions import MALAState, mala_state, mala_transition
from gibbsweep_models.types import EnergyFn

CUBE = (-1.0, 1.0)
TARGET_ACCEPTANCE = 0.574
"""Optimal for MALA in high dimension (Roberts & Rosenthal 1998)."""
LONGEST_STEP = 4.0
"""Noise of standard deviation sqrt(8), reflected into a cube of side 2, already draws every coordinate afresh."""


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z."""

    value: float
    """log Z, in nats."""
    standard_error: float
    """Standard error of ``value``, in nats."""
    effective_sample_size: float
    """Effective sample size of the weights behind it."""
    acceptance: float
    """Mean acceptance of the transitions."""


@dataclass(frozen=True)
class AnnealingPath:
    """A sequence of inverse temperatures with the step size of the transitions at each."""

    betas: tuple[float, ...]
    """Inverse temperatures (K + 1,), from 0 to 1."""
    step_sizes: tuple[float, ...]
    """Step sizes (K,) of the transitions that leave exp(-betas[k + 1] E) invariant."""

    def __post_init__(self) -> None:
        increasing = all(a < b for a, b in pairwise(self.betas))
        if len(self.betas) < 2 or self.betas[0] != 0.0 or self.betas[-1] != 1.0 or not increasing:
            raise ValueError(
                f"got {len(self.betas)} betas, expected an increasing grid from 0 to 1; use power_betas(n_temperatures)"
            )
        if len(self.step_sizes) != len(self.betas) - 1 or min(self.step_sizes) <= 0:
            raise ValueError(
                f"got {len(self.step_sizes)} step sizes for {len(self.betas)} betas, expected one positive step size "
                "per transition; take them from pilot()"
            )


def power_betas(n_temperatures: int, power: float = 1.0) -> tuple[float, ...]:
    """``n_temperatures`` annealing steps (k / n)^``power`` from 0 to 1: a large power spends them where a peaked
    density is flat."""
    if n_temperatures < 1:
        raise ValueError(f"got n_temperatures={n_temperatures}, expected at least 1; hundreds give a tight bracket")
    return tuple((k / n_temperatures) ** power for k in range(n_temperatures + 1))


def pilot(
    energy: EnergyFn,
    shape: tuple[int, ...],
    betas: tuple[float, ...],
    *,
    n_chains: int = 32,
    adaptations: int = 4,
    initial_step_size: float = 0.1,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> AnnealingPath:
    """Find the step sizes on chains of their own, ``adaptations`` transitions per temperature.

    The estimators below take the path as given: a step size that depended on the chains it moves would break their
    unbiasedness.
    """
    state = uniform_state(energy, n_chains, shape, generator, dtype)
    log_step = math.log(initial_step_size)
    step_sizes = []
    with exact_energies(state.x):
        for k, beta in enumerate(betas[1:]):
            # The first temperature has to find the scale of the problem from a guess; its neighbours follow it.
            n = adaptations if k else 10 * adaptations
            averaged = 0.0
            for i in range(n):
                state, rate = cube_transition(energy, state, math.exp(log_step), beta, generator)
                log_step += (rate - TARGET_ACCEPTANCE) * (1.0 if k == 0 and i < n // 2 else 0.5)
                log_step = min(log_step, math.log(LONGEST_STEP))
                averaged += log_step / n
            step_sizes.append(math.exp(averaged if k else log_step))
    return AnnealingPath(betas, tuple(step_sizes))


def annealed_importance_sampling(
    energy: EnergyFn,
    shape: tuple[int, ...],
    path: AnnealingPath,
    *,
    n_chains: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> tuple[LogPartition, Tensor]:
    """log Z from uniform chains cooled to the model, and (n_chains, *shape) of their end points resampled by weight.

    The weights average to Z exactly, so by Jensen's inequality log Z is underestimated in expectation.
    """
    state = uniform_state(energy, n_chains, shape, generator, dtype)
    log_w = torch.full((n_chains,), math.prod(shape) * math.log(2.0), dtype=torch.float64, device=state.x.device)
    accepted_total = 0.0
    with exact_energies(state.x):
        for k, step_size in enumerate(path.step_sizes):
            log_w -= (path.betas[k + 1] - path.betas[k]) * state.energy.double()
            state, rate = cube_transition(energy, state, step_size, path.betas[k + 1], generator)
            accepted_total += rate
    value, standard_error, ess = log_mean_weight(log_w)
    chosen = torch.multinomial((log_w - log_w.max()).exp(), n_chains, replacement=True, generator=generator)
    return LogPartition(value, standard_error, ess, accepted_total / len(path.step_sizes)), state.x[chosen]


def reverse_annealed_importance_sampling(
    energy: EnergyFn, x: Tensor, path: AnnealingPath, *, generator: torch.Generator
) -> LogPartition:
    """log Z from samples ``x`` (B, *shape) of the model melted to the uniform density.

    Where ``x`` are exact samples the weights average to 1/Z exactly, so log Z is overestimated in expectation; chains
    that have not reached the model make it neither bound.
    """
    _check_cube(x)
    log_w = torch.full((x.shape[0],), -math.prod(x.shape[1:]) * math.log(2.0), dtype=torch.float64, device=x.device)
    accepted_total = 0.0
    with exact_energies(x):
        state = mala_state(energy, x)
        for k in range(len(path.step_sizes) - 1, -1, -1):
            state, rate = cube_transition(energy, state, path.step_sizes[k], path.betas[k + 1], generator)
            accepted_total += rate
            log_w += (path.betas[k + 1] - path.betas[k]) * state.energy.double()
    value, standard_error, ess = log_mean_weight(log_w)
    return LogPartition(-value, standard_error, ess, accepted_total / len(path.step_sizes))


def log_likelihood_bracket(
    energy: EnergyFn,
    x: Tensor,
    *,
    n_temperatures: int,
    n_chains: int = 64,
    burn_in: int = 200,
    power: float = 1.0,
    generator: torch.Generator,
) -> Bracket:
    """Mean log-likelihood of ``x`` (N, *D), all in the cube, under exp(-E) / Z on the cube, with Z from below and from
    above.

    The melting chains start where the cooled ones ended, resampled by weight, and take ``burn_in`` transitions at beta
    = 1 first. Chains started at data would say less: an energy trained by short chains gives data a basin of its own,
    which no burn-in leaves, and single chains then carry all the weight. The price: a mode that cooling never finds is
    missing from both sides.
    """
    _check_cube(x)
    path = pilot(energy, tuple(x.shape[1:]), power_betas(n_temperatures, power), generator=generator, dtype=x.dtype)
    below, ends = annealed_importance_sampling(
        energy, tuple(x.shape[1:]), path, n_chains=n_chains, generator=generator, dtype=x.dtype
    )
    with torch.no_grad(), exact_energies(x):
        mean_energy = torch.cat([energy(part).double() for part in torch.split(x, 512)]).mean().item()
        state = mala_state(energy, ends)
        for _ in range(burn_in):
            state, _ = cube_transition(energy, state, path.step_sizes[-1], 1.0, generator)
    above = reverse_annealed_importance_sampling(energy, state.x, path, generator=generator)
    return Bracket(
        ais=-mean_energy - below.value,
        reverse_ais=-mean_energy - above.value,
        ais_se=below.standard_error,
        reverse_ais_se=above.standard_error,
    )


def cube_transition(
    energy: EnergyFn, state: MALAState, step_size: float, beta: float, generator: torch.Generator
) -> tuple[MALAState, float]:
    """One transition that leaves exp(-beta E) on the cube invariant, and the share of chains that moved."""
    state, accepted = mala_transition(
        energy, state, step_size=step_size, beta=beta, box=CUBE, boundary="reflect", generator=generator
    )
    return state, float(accepted.to(torch.float64).mean())


def uniform_state(
    energy: EnergyFn, n: int, shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype
) -> MALAState:
    x = rand((n, *shape), generator=generator, dtype=dtype).mul_(CUBE[1] - CUBE[0]).add_(CUBE[0])
    with exact_energies(x):
        return mala_state(energy, x)


def _check_cube(x: Tensor) -> None:
    if bool((x.abs() > 1).any()):
        raise ValueError(
            f"got values in [{float(x.min()):.4g}, {float(x.max()):.4g}], expected [-1, 1]; the density lives on the "
            "cube"
        )


@contextmanager
def exact_energies(x: Tensor) -> Iterator[None]:
    """Full precision and fixed weights inside, since differences of energies are measured there."""
    with torch.autocast(x.device.type, enabled=False), parametrize.cached():
        yield
