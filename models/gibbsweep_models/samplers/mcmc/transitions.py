"""The Metropolis-adjusted Langevin transition as a pure function of a state, shared by the sampler and by annealing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gibbsweep_models.draws import rand, randn_like
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.types import EnergyFn


@dataclass(frozen=True)
class MALAState:
    """Chains with their energies and gradients, so that a transition costs one evaluation."""

    x: Tensor
    """The chains, (B, *D)."""
    energy: Tensor
    """Their energies, (B,)."""
    gradient: Tensor
    """The energies' gradients, (B, *D)."""


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
    boundary: Literal["reject", "reflect"] = "reject",
    generator: torch.Generator,
    cond: Tensor | None = None,
) -> tuple[MALAState, Tensor]:
    """One transition that leaves exp(-beta E) on ``box`` (or on R^D) invariant, and which chains accepted it, (B,)
    bool.

    Proposal u = x - step_size * beta * grad E(x) + sqrt(2 step_size) n; accepted with probability min(1, p(u) q(x|u) /
    (p(x) q(u|x))). A proposal that leaves the box has density 0 and is rejected, or is reflected at the walls.
    Reflection is exact: it is the same rule for the energy continued to R^D by mirroring, E(fold(u)), seen through
    ``fold``; mirrored copies of a chain move alike. It moves in high dimension, where almost every proposal leaves the
    box along some axis. Source: Roberts & Tweedie, "Exponential convergence of Langevin distributions" (1996), section
    1.4.
    """
    noise = randn_like(state.x, generator=generator)
    proposal = torch.add(state.x, state.gradient, alpha=-step_size * beta).add_(noise, alpha=math.sqrt(2.0 * step_size))
    # Energies are only evaluated in the box: they need not be defined outside.
    if box is None or boundary == "reflect":
        inside = torch.ones_like(state.energy, dtype=torch.bool)
        landed, mirror = fold(proposal, box) if box is not None else (proposal, None)
    else:
        inside = ((proposal >= box[0]) & (proposal <= box[1])).flatten(1).all(dim=1)
        landed, mirror = torch.where(_rows(inside, proposal), proposal, state.x), None
    new = mala_state(energy, landed, cond)
    drift = new.gradient if mirror is None else new.gradient * mirror
    backward = torch.add(state.x - proposal, drift, alpha=step_size * beta)
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


def fold(u: Tensor, box: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """``u`` mirrored at the walls until it lies in ``box``, and the slope of that map at ``u``, +1 or -1, both like
    ``u``."""
    width = box[1] - box[0]
    t = torch.remainder(u - box[0], 2.0 * width)
    return box[0] + torch.minimum(t, 2.0 * width - t).clamp_(0.0, width), torch.where(t <= width, 1.0, -1.0).to(u.dtype)


def _rows(mask: Tensor, x: Tensor) -> Tensor:
    return mask.view(-1, *(1,) * (x.ndim - 1))
