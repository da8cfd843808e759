"""Energies of data and of the model's own chains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch

from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasChain, HasEnergy


@runtime_checkable
class EnergyWithChain(HasEnergy, HasChain, Protocol):
    """A system with an energy and a Markov chain that leaves its distribution alone."""


@dataclass(frozen=True)
class EnergyGap:
    """Mean energy of data minus that of chains started at them, ``n_steps`` on: near 0 for a model at equilibrium, large and
    positive where the chains find holes that the data never filled."""

    n_steps: int = 100
    limit: int = 256
    needs: ClassVar[type] = EnergyWithChain

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
        end = system.run_chain(x, self.n_steps, generator=generator).x
        return Evaluation({"energy_gap": float(system.energy(x).mean() - system.energy(end).mean())})


@dataclass(frozen=True)
class EnergyDrift:
    """How far long chains carry the mean energy from where they started, at data: 0 for a model at equilibrium.

    ``energy_drift``: |mean energy after ``n_steps`` - mean energy of the data| in standard deviations of the energy over the
    data, which makes energies of different models comparable.
    """

    n_steps: int = 200
    limit: int = 64
    needs: ClassVar[type] = EnergyWithChain

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = first_examples(split, self.limit, generator.device)
        start = system.energy(x).double()
        end = system.energy(system.run_chain(x, self.n_steps, generator=generator).x).double()
        return Evaluation({"energy_drift": float((end.mean() - start.mean()).abs() / start.std())})
