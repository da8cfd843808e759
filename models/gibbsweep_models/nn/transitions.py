"""The Metropolis-adjusted Langevin transition as a pure function of a state, shared by the sampler and by annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.types import EnergyFn


@dataclass(frozen=True)
class MALAState:
    """Chains (B, *D) with their energies (B,) and gradients (B, *D), so that a transition costs one evaluation."""

    x: Tensor
    energy: Tensor
    gradient: Tensor


def mala_state(energy: EnergyFn, x: Tensor, cond: Tensor | None = None) -> MALAState:
    """The state of chains at ``x`` (B, *D)."""
    return MALAState(x.detach(), *energy_and_gradient(energy, x, cond))


def mala_transition(
    energy: EnergyFn,
    state: MALAState,
    *,
    step_size: float,
    beta: float = 1.0,
    box: tuple[float, float] | None = None,
    generator: torch.Generator,
    cond: Tensor | None = None,
) -> tuple[MALAState, Tensor]:
    """One transition that leaves exp(-beta E) on ``box`` (or on R^D) invariant, and which chains accepted it, (B,)
    bool.

    Proposal y = x - step_size * beta * grad E(x) + sqrt(2 step_size) n; accepted with probability
    min(1, p(y) q(x|y) / (p(x) q(y|x))). A proposal outside the box has density 0 and is rejected.
    Source: Roberts & Tweedie, "Exponential convergence of Langevin distributions" (1996), section 1.4.
    """
    noise = randn_like(state.x, generator=generator)
    proposal = torch.add(state.x, state.gradient, alpha=-step_size * beta).add_(noise, alpha=math.sqrt(2.0 * step_size))
    # Chains that left the box are evaluated where they were: the energy need not be defined outside.
    inside = _inside(proposal, box)
    new = mala_state(energy, torch.where(_rows(inside, proposal), proposal, state.x), cond)
    backward = torch.add(state.x - proposal, new.gradient, alpha=step_size * beta)
    log_q_ratio = 0.5 * noise.flatten(1).square().sum(dim=1) - backward.flatten(1).square().sum(dim=1) / (
        4.0 * step_size
    )
    log_ratio = beta * (state.energy - new.energy) + log_q_ratio
    log_uniform = rand(state.energy.shape, generator=generator, dtype=state.energy.dtype).log()
    # A comparison with a non-finite ratio is false: such a proposal is rejected and lowers the reported acceptance.
    accepted = (log_uniform < log_ratio) & inside
    rows = _rows(accepted, proposal)
    return (
        MALAState(
            torch.where(rows, new.x, state.x),
            torch.where(accepted, new.energy, state.energy),
            torch.where(rows, new.gradient, state.gradient),
        ),
        accepted,
    )


def _rows(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(-1, *(1,) * (x.ndim - 1))


def _inside(x: Tensor, box: tuple[float, float] | None) -> Tensor:
    if box is None:
        return torch.ones(x.shape[0], dtype=torch.bool, device=x.device)
    flat = x.flatten(1)
    return ((flat >= box[0]) & (flat <= box[1])).all(dim=1)
