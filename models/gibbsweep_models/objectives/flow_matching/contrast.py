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

    x_neg are half chains of exp(-V / temperature) from the batch and half chains of ``sampler`` from standard normal
    noise, each example's kind drawn by itself; the gradient is that of the negative log-likelihood times
    ``temperature`` where both have arrived. A ``trim`` or ``floor`` above 0 keeps an energy from running away at
    negatives that are far off already, at the price of another minimum: both are in the published recipe, with .1 and
    .02 over a weight of .001, and off here. Parts: ``energy_gap``, ``energy_pos``, ``energy_neg`` (of all negatives),
    ``sampler_gradient_norm``.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> objective = WarmContrast(WarmingLangevin(5, 0.2))
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    """

    sampler: WarmingLangevin = field(default_factory=lambda: WarmingLangevin(40, 0.05))
    """The chains from noise. Those from data take as many of its steps, all of them at its last temperature."""
    from_data: float = 0.5
    """Probability that a chain starts at its example."""
    trim: float = 0.0
    """Share of the batch, that of the negatives of highest energy, that is left out."""
    floor: float = math.inf
    """Below minus this the gap has no gradient."""

    def __post_init__(self) -> None:
        if not 0 <= self.from_data <= 1 or not 0 <= self.trim < 1 or self.floor <= 0:
            raise ValueError(
                f"got from_data={self.from_data}, trim={self.trim}, floor={self.floor}; expected shares in [0, 1] and "
                "a positive floor; correct the one that is out of range"
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
        gap = energy_pos.mean() - self._kept(energy_neg)
        parts = {
            "energy_gap": gap,
            "energy_pos": energy_pos.mean(),
            "energy_neg": energy_neg.mean(),
            "sampler_gradient_norm": negatives.info["gradient_norm"],
        }
        total = gap
        if math.isfinite(self.floor) and float(parallel.all_mean(gap.detach())) < -self.floor:
            total = 0.0 * gap - self.floor
        return Loss(total, {name: value.detach() for name, value in parts.items()}, nfe=negatives.nfe)

    def _kept(self, energy: Tensor) -> Tensor:
        """The mean of ``energy`` (B,) over the examples of the global batch that are not trimmed: (), whose mean over
        workers is that of the global batch."""
        if self.trim == 0:
            return energy.mean()
        every = parallel.all_gather_batch(energy.detach())
        kept = max(1, len(every) - int(self.trim * len(every)))
        highest = every.sort().values[kept - 1]
        return energy.where(energy <= highest, 0.0).sum() * (len(every) / len(energy) / kept)
