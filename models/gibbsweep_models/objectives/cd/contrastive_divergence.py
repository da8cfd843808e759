"""Contrastive divergence for continuous energies."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gibbsweep_models.capabilities import HasEnergy
from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import check_energy, energy_of, value_of
from gibbsweep_models.objectives.cd.langevin_kl import LangevinKL
from gibbsweep_models.objectives.cd.replay_buffer import ReplayBuffer
from gibbsweep_models.parallel import all_gather_batch
from gibbsweep_models.types import Batch, EnergyFn, Loss, Sampler


class ContrastiveDivergence(nn.Module):
    """mean E(x_pos) - mean E(x_neg) + l2 * mean(E(x_pos)² + E(x_neg)²), whose gradient is that of the negative
    log-likelihood where x_neg are samples of the model (Hinton 2002; Du & Mordatch 2019, equation 2 and algorithm 1).

    ``sampler`` makes x_neg without a graph, on the energy or on whatever model it takes; its chains start at the batch
    (``replay`` None: CD-k), at standard normal noise (``from_noise``: Liao et al. 2022) or in a buffer (persistent CD).
    ``data_noise``: standard deviation of Gaussian noise added to x_pos, which smooths data that lies on a thin set; the
    sum is clamped to ``clamp`` (the sampler's), or noise that leaves the sampler's domain would tell data and samples
    apart. ``kl``: the weight of a term at x_neg, and the term. Parts: ``energy_gap`` (energy_pos - energy_neg, near 0
    in equilibrium), ``energy_pos``, ``energy_neg``, ``energy_l2`` (the penalty before its coefficient), ``chain_age``
    (steps of the buffer's oldest chain: the energy is not trained where older ones go), ``kl`` where there is one, and
    those of the sampler's diagnostics that are one number (``sampler_gradient_norm``, ...).

    ``condition``: the name in the batch of the condition of a conditional energy E(x, cond). Chains of a buffer keep
    theirs, and take the batch's when they restart. Other chains get the condition of *another* example of the global
    batch, so that a mismatched pair is what they improve: under its own condition data is where it should be.

    >>> from gibbsweep_models.nn.energies import MLPEnergy
    >>> from gibbsweep_models.samplers.mcmc import Langevin
    >>> objective = ContrastiveDivergence(Langevin(n_steps=5, step_size=0.01), l2=0.1)
    >>> loss = objective(MLPEnergy((2,), (8,)), {"x": torch.zeros(4, 2)}, generator=seeded(0))
    >>> loss.total.shape, sorted(loss.parts)[:2]
    (torch.Size([]), ['energy_gap', 'energy_l2'])
    """

    def __init__(
        self,
        sampler: Sampler[Any],
        replay: ReplayBuffer | None = None,
        l2: float = 0.0,
        data_noise: float = 0.0,
        clamp: tuple[float, float] | None = None,
        from_noise: bool = False,
        kl: tuple[float, LangevinKL] | None = None,
        condition: str | None = None,
    ) -> None:
        super().__init__()
        if l2 < 0 or data_noise < 0:
            raise ValueError(f"got l2={l2}, data_noise={data_noise}; expected both >= 0; pass 0 to switch one off")
        if from_noise and replay is not None:
            raise ValueError("chains start from noise or in a replay buffer: got both; drop one")
        self.sampler = sampler
        self.replay = replay
        self.l2 = l2
        self.data_noise = data_noise
        self.clamp = clamp
        self.from_noise = from_noise
        self.kl = kl
        self.condition = condition

    def forward(self, model: EnergyFn | HasEnergy, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]`` (B, *D); ``model`` is an energy or a system that has one."""
        energy = energy_of(model)
        x_pos = self._positives(batch["x"], generator)
        cond_pos = cond_neg = None if self.condition is None else batch[self.condition]
        if self.replay is None:
            start = randn_like(x_pos, generator=generator) if self.from_noise else x_pos
            if cond_pos is not None:
                cond_neg = _of_others(cond_pos, generator)
            negatives = self.sampler(energy, start, cond=cond_neg, generator=generator)
        else:
            if cond_pos is None:
                start, places = self.replay.draw(x_pos.shape[0], generator=generator)
            else:
                start, places, cond_neg = self.replay.draw_conditional(cond_pos, generator=generator)
            if x_pos.ndim == 4 and x_pos.is_contiguous(memory_format=torch.channels_last):
                start = start.contiguous(memory_format=torch.channels_last)
            negatives = self.sampler(energy, start, cond=cond_neg, generator=generator)
            # A sampler whose steps cost other than one evaluation names their number.
            self.replay.write(places, negatives.x, cond_neg, steps=getattr(self.sampler, "n_steps", negatives.nfe))
        # One pass over both halves: half the calls, and equal treatment should a layer depend on the batch.
        x = torch.cat([x_pos, negatives.x])
        cond = None if cond_pos is None or cond_neg is None else torch.cat([cond_pos, cond_neg])
        energy_pos, energy_neg = check_energy(value_of(energy, x, cond), x).chunk(2)
        gap = energy_pos.mean() - energy_neg.mean()
        energy_l2 = energy_pos.square().mean() + energy_neg.square().mean()
        parts = {
            "energy_gap": gap,
            "energy_pos": energy_pos.mean(),
            "energy_neg": energy_neg.mean(),
            "energy_l2": energy_l2,
            **{f"sampler_{name}": value for name, value in negatives.info.items() if value.ndim == 0},
        }
        if self.replay is not None:
            parts["chain_age"] = self.replay.oldest.float()
        total = gap + self.l2 * energy_l2 if self.l2 else gap
        if self.kl is not None:
            weight, term = self.kl
            parts["kl"] = term(_under(energy, cond_neg), negatives.x, generator=generator)
            total = total + weight * parts["kl"]
        return Loss(total, {name: value.detach() for name, value in parts.items()}, nfe=negatives.nfe)

    def _positives(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self.data_noise == 0:
            return x
        noisy = x + self.data_noise * randn_like(x, generator=generator)
        return noisy if self.clamp is None else noisy.clamp_(*self.clamp)


def _of_others(cond: Tensor, generator: torch.Generator) -> Tensor:
    """The conditions (B, ...) of this worker's examples, moved by one and the same random number of places in the
    global batch."""
    all_conditions = all_gather_batch(cond)
    places = torch.arange(len(cond), device=cond.device) + getattr(generator, "rank", 0) * len(cond)
    shift = torch.randint(1, max(2, len(all_conditions)), (), generator=generator, device=generator.device).to(
        cond.device
    )
    return all_conditions[(places + shift) % len(all_conditions)]


def _under(energy: EnergyFn, cond: Tensor | None) -> EnergyFn:
    """``energy`` with its condition filled in."""

    def conditioned(x: Tensor, cond: Tensor | None = cond) -> Tensor:
        return value_of(energy, x, cond)

    return energy if cond is None else conditioned
