"""Energies of data, and of the model's own chains that start at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch

from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasChain, HasEnergy


@runtime_checkable
class EnergyWithChain(HasEnergy, HasChain, Protocol):
    """A system with an energy and a Markov chain that leaves its distribution alone."""


@dataclass(frozen=True)
class EnergyGap:
    """Mean energy of data minus that of chains started at them, as ``energy_gap``.

    It is near 0 for a model at equilibrium, large and positive where the chains find holes that the data never filled.

    Example::

        EnergyGap(n_steps=200)(system, load("digits", units="binary").test, generator=seeded(0)).metrics["energy_gap"]
    """

    n_steps: int = 100
    """Steps of each chain."""
    limit: int = 256
    """Number of chains, at most: a start at each of so many examples."""
    needs: ClassVar[type] = EnergyWithChain

    @property
    def chain_steps(self) -> int:
        return self.n_steps

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        end = system.run_chain(x, self.n_steps, generator=generator).x
        return Evaluation({"energy_gap": float(system.energy(x).mean() - system.energy(end).mean())})


@dataclass(frozen=True)
class EnergyDrift:
    """How far long chains carry the mean energy from where they started, at data: 0 for a model at equilibrium.

    ``energy_drift``: |mean energy after ``n_steps`` - mean energy of the data| in standard deviations of the energy
    over the data, which makes energies of different models comparable.

    Example::

        EnergyDrift(n_steps=1_000)(system, load("cifar10").test, generator=seeded(0)).metrics["energy_drift"]
    """

    n_steps: int = 200
    """Steps of each chain."""
    limit: int = 64
    """Number of chains, at most: a start at each of so many examples."""
    needs: ClassVar[type] = EnergyWithChain

    @property
    def chain_steps(self) -> int:
        return self.n_steps

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        x = examples_of(split, self.limit, generator.device)
        start = system.energy(x).double()
        end = system.energy(system.run_chain(x, self.n_steps, generator=generator).x).double()
        return Evaluation({"energy_drift": float((end.mean() - start.mean()).abs() / start.std())})
