"""Contrastive divergence whose chains start on the manifold of an autoencoder's decoder."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.encoders.mlp_autoencoder import on_sphere
from gibbsweep_models.nn.gradients import check_energy
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.samplers.mcmc.langevin import Langevin
from gibbsweep_models.types import Batch, Loss


class EnergyWithDecoder(Protocol):
    """An energy of x, and the decoder of latent codes on the unit sphere that it is made of."""

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """(B, K) -> (B, *D)."""
        ...


class OnManifoldCD(nn.Module):
    """mean E(x_pos) - mean E(x_neg) + l2 * mean E(x_neg)²: Yoon, Noh & Park, "Autoencoding Under Normalization
    Constraints" (2021), section 4.

    x_neg come from two chains in a row. The first moves persistent codes z on the sphere under H(z) = E(decode(z)), the
    energy on the decoder's manifold; the second moves decode(z) under E itself. A reconstruction error is low on the
    whole manifold, far from data too, and chains in x alone take thousands of steps to find such places: without the
    first chain training diverges. ``l2`` > 0 stops negatives from being pushed beyond E = 1 / (2 l2).

    Parts: ``energy_gap``, ``energy_pos``, ``energy_neg``, ``energy_manifold``, the mean energy where the second chain
    starts, and ``chain_age``, the steps of the oldest chain of codes.

    >>> from gibbsweep_models.energy.normalized_autoencoder import NormalizedAutoencoderConfig
    >>> system = NormalizedAutoencoderConfig(latent_dim=3, hidden=(8,)).build(DataSpec((1, 4, 4)))
    >>> objective = OnManifoldCD(system.latent_sampler, system.sampler, ReplayBuffer(16, (3,)))
    >>> loss = objective(system, {"x": torch.zeros(4, 1, 4, 4)}, generator=seeded(0))
    """

    def __init__(self, latent_sampler: Langevin, sampler: Langevin, replay: ReplayBuffer, l2: float = 0.0) -> None:
        super().__init__()
        if l2 < 0:
            raise ValueError(f"got l2={l2}, expected a weight >= 0; pass 0 to switch the penalty off")
        self.latent_sampler = latent_sampler
        self.sampler = sampler
        self.replay = replay
        self.l2 = l2

    def forward(self, model: EnergyWithDecoder, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]`` (B, *D)."""
        x_pos = batch["x"]
        z, places = self.replay.draw(len(x_pos), generator=generator)

        def on_manifold(x: Tensor, cond: Tensor | None = None) -> Tensor:
            return model.energy(model.decode(x), cond)  # x of this energy are codes

        latent = self.latent_sampler(on_manifold, z, generator=generator, project=on_sphere)
        z = latent.x
        self.replay.write(places, z, steps=self.latent_sampler.n_steps)
        with torch.no_grad():
            start = model.decode(z)
            energy_manifold = model.energy(start).mean()
        negatives = self.sampler(model.energy, start, generator=generator)
        x = torch.cat([x_pos, negatives.x.to(x_pos.dtype)])
        energy_pos, energy_neg = check_energy(model.energy(x), x).chunk(2)
        gap = energy_pos.mean() - energy_neg.mean()
        parts = {
            "energy_gap": gap,
            "energy_pos": energy_pos.mean(),
            "energy_neg": energy_neg.mean(),
            "energy_manifold": energy_manifold,
            "chain_age": self.replay.oldest.float(),
        }
        total = gap + self.l2 * energy_neg.square().mean()
        nfe = latent.nfe + negatives.nfe
        return Loss(total, {name: value.detach() for name, value in parts.items()}, nfe=nfe)
