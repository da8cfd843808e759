"""How fast a model's own chain forgets where it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.evaluate.chains.energy import EnergyWithChain
from gibbsweep.evaluate.examples import Examples, first_examples
from gibbsweep.train import Evaluation
from gibbsweep_models.samplers.mcmc.diagnostics import autocorrelation, integrated_autocorrelation_time


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
    needs: ClassVar[type] = EnergyWithChain

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
