"""The contrastive phase of Energy Matching: negatives from data and from noise, by chains that warm up."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gibbsweep_models import parallel
from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.gradients import check_energy, energy_of
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.samplers.mcmc.warming import WarmingLangevin
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class WarmContrast:
    """mean V(x_pos) - mean V(x_neg), contrastive divergence near the data (Balcerak et al. 2025, algorithm 1, phase 2).

    x_neg are chains of exp(-V / temperature) from the batch and chains of ``sampler`` from standard normal noise, each
    example's kind drawn by itself; where both have arrived the gradient is that of the negative log-likelihood times
    ``temperature``. A finite ``margin`` keeps the energy from running away at negatives that lie far above the data
    already, such as chains from noise that have not arrived: with m the mean of V(x_pos) it is mean max(m - V(x_neg),
    -margin), a hinge, in place of the paper's trimmed mean and clamp, by which such chains would also stop the others.
    Parts: ``energy_gap``, ``energy_pos``, ``energy_neg`` (of all negatives), ``active``, the share of the negatives
    within the margin, and ``sampler_gradient_norm``.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> objective = WarmContrast(WarmingLangevin(5, 0.2))
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    sampler: WarmingLangevin = field(default_factory=lambda: WarmingLangevin(40, 0.05))
    """The chains from noise. Those from data take as many of its steps, all of them at its last temperature."""
    from_data: float = 0.5
    """Probability that a chain starts at its example."""
    margin: float = math.inf
    """How far above the mean of the data's a negative's energy is still raised."""

    def __post_init__(self) -> None:
        if not 0 <= self.from_data <= 1 or self.margin <= 0:
            raise ValueError(
                f"got from_data={self.from_data} and margin={self.margin}, expected a probability and a positive "
                "margin; correct the one that is out of range"
            )

    def __call__(self, model: Any, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D). ``model``: an energy or a system that has one."""
        energy, x = energy_of(model), batch["x"]
        at_data = rand((len(x),), generator=generator) < self.from_data
        noise = randn_like(x, generator=generator)
        start = torch.where(expand_like(at_data, x), x, noise)
        negatives = self.sampler(energy, start, generator=generator, arrived=at_data)
        both = torch.cat([x, negatives.x])
        energy_pos, energy_neg = check_energy(energy(both), both).chunk(2)
        total, active = self._hinge(energy_pos, energy_neg)
        parts = {
            "energy_gap": energy_pos.mean() - energy_neg.mean(),
            "energy_pos": energy_pos.mean(),
            "energy_neg": energy_neg.mean(),
            "active": active,
            "sampler_gradient_norm": negatives.info["gradient_norm"],
        }
        return Loss(total, {name: value.detach() for name, value in parts.items()}, nfe=negatives.nfe)

    def _hinge(self, energy_pos: Tensor, energy_neg: Tensor) -> tuple[Tensor, Tensor]:
        """The loss, whose mean over workers is that of the global batch, and the share of active negatives."""
        if math.isinf(self.margin):
            return energy_pos.mean() - energy_neg.mean(), energy_pos.new_ones(())
        level = parallel.all_mean(energy_pos.detach().mean())
        within = (energy_neg.detach() - level < self.margin).to(energy_neg.dtype)
        active = parallel.all_mean(within.mean())
        total = active * energy_pos.mean() - (within * energy_neg).mean() - self.margin * (1 - active)
        return total, active
