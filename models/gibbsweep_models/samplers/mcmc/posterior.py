"""A clean image from a noisy one under an energy: the data term of Gaussian noise beside a prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.nn.gradients import value_of
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import EnergyFn


@dataclass(frozen=True)
class MAPDenoising:
    """A descent on |x - y|² / 2 + sigma² ``prior_weight`` E(x) from x = y: sigma² times the negative log-posterior, so
    that one ``step_size`` serves all noise levels.

    >>> y, sigma = torch.zeros(2, 4), torch.full((2,), 0.1)
    >>> MAPDenoising(n_steps=5)(lambda x, cond=None: x.square().sum(1), y, sigma, generator=seeded(0)).shape
    torch.Size([2, 4])
    """

    prior_weight: float = 30.0
    """Inverse temperature of the energy: energies trained by short chains are known up to one."""
    n_steps: int = 30
    """Steps of the descent."""
    step_size: float = 0.1
    """Size of a step; 1 would undo the data term in one."""

    def __post_init__(self) -> None:
        if self.prior_weight <= 0 or self.n_steps < 1 or not 0 < self.step_size <= 1:
            raise ValueError(
                f"got prior_weight={self.prior_weight}, n_steps={self.n_steps}, step_size={self.step_size}; expected a "
                "positive weight, at least one step and a step size in (0, 1]; correct the one that is out of range"
            )

    def __call__(self, energy: EnergyFn, y: Tensor, sigma: Tensor, *, generator: torch.Generator) -> Tensor:
        """Noisy ``y`` (B, *D) of levels ``sigma`` (B,) -> (B, *D) in [-1, 1]. At temperature 0 it draws nothing."""
        variance = sigma.square()

        def posterior(x: Tensor, cond: Tensor | None = None) -> Tensor:
            misfit = 0.5 * (x - y).flatten(1).square().sum(dim=1)
            return misfit + variance * self.prior_weight * value_of(energy, x, cond)

        descent = Langevin(self.n_steps, self.step_size, temperature=0.0, clamp=(-1.0, 1.0))
        return descent(posterior, y, generator=generator).x
