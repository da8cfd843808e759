"""Energies of data and of the model's own chains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gibbsweep.evaluate.contract import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasChain, HasEnergy
from gibbsweep_models.samplers.mcmc.diagnostics import autocorrelation, integrated_autocorrelation_time


@runtime_checkable
class EnergyWithChain(HasEnergy, HasChain, Protocol):
    """A system with an energy and a Markov chain that leaves its distribution alone."""


@dataclass(frozen=True)
class EnergyGap:
    """Mean energy of data minus that of chains started at them, ``n_steps`` on: near 0 for a model at equilibrium, large and
    positive where the chains find holes that the data never filled."""

    n_steps: int = 100
    limit: int = 256
    needs: type = EnergyWithChain

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
        end = system.run_chain(x, self.n_steps, generator=generator).x
        return Evaluation({"energy_gap": float(system.energy(x).mean() - system.energy(end).mean())})


@dataclass(frozen=True)
class ChainMixing:
    """How fast the model's own chain forgets: autocorrelation of the energy along ``n_chains`` chains of ``n_steps`` steps that
    start at data and drop the first ``burn_in``.

    ``mixing_autocorrelation`` is at lag ``lag``; ``mixing_time`` is the integrated autocorrelation time in steps.
    """

    n_steps: int = 200
    burn_in: int = 50
    n_chains: int = 64
    lag: int = 10
    needs: type = EnergyWithChain

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        energies: list[Tensor] = []

        def trace(step: int, x: Tensor) -> None:
            if step > self.burn_in:
                energies.append(system.energy(x).detach().float())

        x = first_examples(split, self.n_chains, generator.device)
        system.run_chain(x, self.n_steps + self.burn_in, generator=generator, trace=trace)
        chain = torch.stack(energies).cpu()
        return Evaluation(
            {
                "mixing_autocorrelation": float(autocorrelation(chain)[self.lag]),
                "mixing_time": float(integrated_autocorrelation_time(chain)),
            }
        )
