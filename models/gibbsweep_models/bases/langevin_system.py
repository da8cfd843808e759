"""The base of systems that train an energy with the chains that sample it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gibbsweep_models.capabilities import Bracket
from gibbsweep_models.draws import rand
from gibbsweep_models.likelihood.annealed_mala import log_likelihood_bracket
from gibbsweep_models.likelihood.temperature import best_inverse_temperature
from gibbsweep_models.objectives.cd.langevin_cd import LangevinCD
from gibbsweep_models.types import DataSpec, Samples, System, Trace


class LangevinSystem(System):
    """A density p(x) ∝ exp(-E(x) / T) on [-1, 1]^D, where sampling, chains and training share one Langevin kernel,
    ``sampler``, that of ``cd``. A sample takes ``sample_steps`` steps from uniform noise."""

    def __init__(self, cd: LangevinCD, spec: DataSpec, *, ema_decay: float, sample_steps: int) -> None:
        super().__init__()
        self.shape = spec.shape
        self.ema_decay = ema_decay
        self.sampler = cd.sampler()
        self.sample_steps = sample_steps

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        raise NotImplementedError(f"{type(self).__name__} must define energy()")

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n`` examples (n, *D): ``sample_steps`` Langevin steps from uniform noise."""
        start = rand((n, *self.shape), generator=generator).mul_(2.0).sub_(1.0)
        return self.run_chain(start, self.sample_steps, generator=generator, trace=trace)

    def run_chain(self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        """``n_steps`` steps of the training sampler from ``x`` (B, *D)."""
        return replace(self.sampler, n_steps=n_steps)(self.energy, x, generator=generator, trace=trace)

    def log_likelihood(self, x: Tensor, *, generator: torch.Generator, n_temperatures: int) -> Bracket:
        """Mean log-likelihood of ``x`` (N, *D) under exp(-E / T) / Z on the cube, at the T that explains ``x`` best.

        Short chains with decoupled noise sample no known temperature, so T is one fitted number, not colder than the
        training chain's own.
        """
        beta = best_inverse_temperature(self.energy, x, largest=1 / self.sampler.temperature, generator=generator)

        def at_temperature(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return beta * self.energy(x, cond)

        return log_likelihood_bracket(at_temperature, x, n_temperatures=n_temperatures, power=3.0, generator=generator)
