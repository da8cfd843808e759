"""The gradient through the chain itself, which contrastive divergence leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models import parallel
from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import energy_and_gradient, score_of
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import EnergyFn

_APART = 1e-6
"""The least distance of two ends: its logarithm has a pole at 0."""


@dataclass(frozen=True)
class LangevinKL:
    """E_q[E(x)] - ``entropy`` * H(q), with q the distribution of the chains' ends as a function of the weights and E
    held fixed: the part of KL(q ‖ p) that contrastive divergence drops (Du, Li, Tenenbaum & Mordatch, "Improved
    Contrastive Divergence Training of Energy-Based Models", 2021, equation 5). It shapes the energy so that chains of
    this length arrive.

    The gradient goes through one step more of ``sampler``'s chain, as there through the last. H(q) is that of one axis,
    up to a constant, estimated by the mean logarithm of the distance to the nearest other end: its weight does not grow
    with D. Ends that meet (of saturated chains, or of images that are all zero) count as 10⁻⁶ apart, with no gradient.
    ValueError for an entropy of a single end.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> term = LangevinKL(Langevin(n_steps=1, step_size=0.01), entropy=0.1)
    >>> term(MLPEnergy((2,), (8,)), torch.randn(4, 2), generator=seeded(0)).shape
    torch.Size([])
    """

    sampler: Langevin
    """The chain."""
    entropy: float = 0.0
    """Weight of the entropy."""

    def __call__(self, energy: EnergyFn, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """A scalar with the term's value and gradient, from chains ``x`` (B, *D) at their end."""
        end = self._step(energy, x.detach(), generator)
        value, gradient = energy_and_gradient(energy, end)
        # E is fixed: its gradient is a constant, and the weights move the ends alone.
        moved = (gradient * end).flatten(1).sum(dim=1)
        term = value.mean() + (moved - moved.detach()).mean()
        return term - self.entropy * _nearest_distance(end).log().mean() if self.entropy else term

    def _step(self, energy: EnergyFn, x: Tensor, generator: torch.Generator) -> Tensor:
        sampler = self.sampler
        gradient = -score_of(energy, create_graph=True)(x)
        if sampler.gradient_clip is not None:
            gradient = gradient.clamp(-sampler.gradient_clip, sampler.gradient_clip)
        end = x - sampler.step_size * gradient
        if sampler.temperature > 0:
            end = end + sampler.noise_std * randn_like(x, generator=generator)
        return end if sampler.clamp is None else end.clamp(*sampler.clamp)


def _nearest_distance(x: Tensor) -> Tensor:
    """The distance from every example (B, *D) of this worker's to the nearest other of the global batch: (B,)."""
    others = parallel.all_gather_batch(x.detach())
    if len(others) < 2:
        raise ValueError(
            "got a batch of one example, whose distance to the nearest other is not defined; choose a batch of two or "
            "more, or entropy=0"
        )
    rows = torch.arange(len(x), device=x.device)
    apart = torch.cdist(x.flatten(1).float(), others.flatten(1).float())
    itself = torch.zeros_like(apart, dtype=torch.bool)
    itself[rows, rows + parallel.rank() * len(x)] = True
    nearest: Tensor = apart.masked_fill(itself, torch.inf).min(dim=1).values
    return nearest.clamp_min(_APART)
