"""Partition functions by enumeration."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gibbsweep_models.samplers.mcmc.gibbs import BinaryBipartite

LARGEST_SIDE = 24
"""Most units that are enumerated: 24 units are 16.8 million states, and one unit more doubles the time."""


@torch.no_grad()
def exact_log_partition(model: BinaryBipartite, *, chunk: int = 4096) -> float:
    """log Z in nats, in double precision, by summing over all states of the smaller side; the other side sums in closed
    form.

    ``chunk`` states are held at a time. The smaller side may have up to ``LARGEST_SIDE`` units.
    """
    # A normal form sums over the offsets of a centred machine, so it is taken in double precision, too.
    form = (copy.deepcopy(model).double() if isinstance(model, nn.Module) else model).normal_form()
    weight, own_bias, other_bias = form.weight.double(), form.hidden_bias.double(), form.visible_bias.double()
    if weight.shape[0] < weight.shape[1]:
        weight, own_bias, other_bias = weight.t(), other_bias, own_bias
    n_units = weight.shape[1]
    if n_units > LARGEST_SIDE:
        raise ValueError(
            f"exact enumeration takes at most {LARGEST_SIDE} units on the smaller side: got {n_units}; "
            "estimate log Z by annealed_importance_sampling"
        )
    total = torch.full((), -torch.inf, dtype=torch.float64, device=weight.device)
    for start in range(0, 2**n_units, chunk):
        states = binary_states(n_units, start, min(start + chunk, 2**n_units), device=weight.device)
        log_mass = states @ own_bias + F.softplus(torch.addmm(other_bias, states, weight.t())).sum(dim=1)
        total = torch.logaddexp(total, log_mass.logsumexp(dim=0))
    return float(total - form.constant)


def binary_states(
    n_units: int, start: int = 0, stop: int | None = None, *, device: torch.device | None = None
) -> Tensor:
    """The binary states number ``start`` to ``stop`` (all of them by default), unit 0 in the lowest bit: (N, n_units),
    double."""
    index = torch.arange(start, 2**n_units if stop is None else stop, device=device)
    return (index[:, None] >> torch.arange(n_units, device=device) & 1).double()
