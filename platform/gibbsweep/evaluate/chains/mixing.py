"""How fast a model's own chain forgets where it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.chains.energy import EnergyWithChain
from gibbsweep.evaluate.examples import Examples, examples_of
from gibbsweep.train import Evaluation
from gibbsweep_models.samplers.mcmc.diagnostics import autocorrelation, integrated_autocorrelation_time


@dataclass(frozen=True)
class ChainMixing:
    """Autocorrelation of the energy along the model's own chains, which start at data.

    Metrics: ``mixing_autocorrelation`` at lag ``lag``, and ``mixing_time``, the integrated autocorrelation time in
    steps.

    Example::

        split = load("digits", units="binary").test
        ChainMixing(n_steps=1_000)(system, split, generator=seeded(0)).metrics["mixing_time"]
    """

    n_steps: int = 200
    """Steps of each chain that are looked at."""
    burn_in: int = 50
    """Steps of each chain before them, which are dropped."""
    n_chains: int = 64
    """Number of chains."""
    lag: int = 10
    """Steps between the two energies that are correlated."""
    needs: ClassVar[type] = EnergyWithChain

    @property
    def chain_steps(self) -> int:
        return self.n_steps + self.burn_in

    def __call__(self, system: EnergyWithChain, split: Examples, *, generator: torch.Generator) -> Evaluation:
        energies: list[Tensor] = []

        def trace(step: int, x: Tensor) -> None:
            if step > self.burn_in:
                energies.append(system.energy(x).detach().float())

        x = examples_of(split, self.n_chains, generator.device)
        system.run_chain(x, self.n_steps + self.burn_in, generator=generator, trace=trace)
        chain = torch.stack(energies).cpu()
        return Evaluation(
            {
                "mixing_autocorrelation": float(autocorrelation(chain)[self.lag]),
                "mixing_time": float(integrated_autocorrelation_time(chain)),
            }
        )
