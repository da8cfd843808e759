"""The partition function of a Gaussian-Bernoulli machine: by enumeration, and annealed in both directions.

The path is ``p*_β(v, h) = exp(-β E(v, h) - (1 - β) |v|² / 2)``, from independent standard normal v (data is
standardised or white) and fair coins h to the machine. Both conditionals are in closed form all along it: h given v has
β times its log-odds; v given h has precision β / σ² + 1 - β and mean β (μ + W h) / σ² over that. Sources: as in
:mod:`gibbsweep_models.likelihood.ais`; for Gaussian visible units Melchior, Wang & Wiskott, "Gaussian-binary restricted
Boltzmann machines for modeling natural image statistics" (2017).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.likelihood.ais import LogPartition
from gibbsweep_models.likelihood.exact import LARGEST_SIDE, binary_states
from gibbsweep_models.likelihood.weights import log_mean_weight
from gibbsweep_models.nn.energies.gaussian_rbm import GaussianBernoulli


@torch.no_grad()
def exact_log_partition(machine: GaussianBernoulli, *, chunk: int = 1024) -> float:
    """log Z in nats by summing over the hidden states; v integrates in closed form: with m = μ + W h, ``∫ exp(-E(v, h))
    dv = Π_i sqrt(2π σ_i²) · exp(h · c + Σ_i (m_i² - μ_i²) / (2 σ_i²))``. ``chunk`` states are held at a time."""
    n_units = math.prod(machine.hidden_shape)
    if n_units > LARGEST_SIDE:
        raise ValueError(
            f"exact enumeration takes at most {LARGEST_SIDE} hidden units: got {n_units}; estimate log Z by annealing"
        )
    variance = machine.variance().double()
    mu = machine.visible_bias.double().expand(machine.shape)
    total = torch.full((), -torch.inf, dtype=torch.float64, device=mu.device)
    for start in range(0, 2**n_units, chunk):
        h = binary_states(n_units, start, min(start + chunk, 2**n_units), device=mu.device).view(
            -1, *machine.hidden_shape
        )
        mean = machine.visible_mean(h.to(machine.visible_bias.dtype)).double()
        log_mass = ((mean.square() - mu.square()) / variance).flatten(1).sum(dim=1) / 2
        log_mass += (h * machine.hidden_bias.double()).flatten(1).sum(dim=1)
        total = torch.logaddexp(total, log_mass.logsumexp(dim=0))
    return float(total + 0.5 * (2 * math.pi * variance).log().expand(machine.shape).sum())


@torch.no_grad()
def annealed_importance_sampling(
    machine: GaussianBernoulli, temperatures: Tensor, *, n_chains: int = 100, generator: torch.Generator
) -> tuple[LogPartition, Tensor]:
    """log Z from standard normal chains cooled to the machine, one Gibbs step at each of ``temperatures`` (T,): from
    below in expectation. And (n_chains, *D) of the chains' end points resampled by weight."""
    path = _Path(machine)
    start = draws.randn((n_chains, *machine.shape), generator=generator).to(machine.visible_bias.dtype)
    log_w, ends = path.anneal(start, temperatures.tolist(), generator)
    value, standard_error, effective = log_mean_weight(log_w)
    chosen = torch.multinomial((log_w - log_w.max()).exp(), n_chains, replacement=True, generator=generator)
    estimate = LogPartition(path.base_log_partition() + value, standard_error, effective, n_chains)
    return estimate, ends[chosen]


@torch.no_grad()
def reverse_annealed_importance_sampling(
    machine: GaussianBernoulli, temperatures: Tensor, z: Tensor, *, generator: torch.Generator
) -> LogPartition:
    """log Z from chains ``z`` (N, *D), taken to be samples of the machine, melted to the base: from above in
    expectation."""
    path = _Path(machine)
    log_w, _ = path.anneal(z, temperatures.flip(0).tolist(), generator)
    value, standard_error, effective = log_mean_weight(log_w)
    return LogPartition(path.base_log_partition() - value, standard_error, effective, len(z))


class _Path:
    """The densities between independent standard normal units and the machine."""

    def __init__(self, machine: GaussianBernoulli) -> None:
        self.machine = machine
        self.precision = 1.0 / machine.variance()

    def base_log_partition(self) -> float:
        n_visible, n_hidden = math.prod(self.machine.shape), math.prod(self.machine.hidden_shape)
        return 0.5 * n_visible * math.log(2.0 * math.pi) + n_hidden * math.log(2.0)

    def anneal(self, v: Tensor, betas: list[float], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Σ_t log p*_{t+1}(v_t) - log p*_t(v_t) (N,), double, with v_{t+1} one Gibbs step at temperature t + 1 from
        v_t; and the last v."""
        log_w = torch.zeros(len(v), dtype=torch.float64, device=v.device)
        for step, (beta, following) in enumerate(pairwise(betas), start=1):
            logits = self.machine.hidden_logits(v)
            straight = 0.5 * v.flatten(1).square().sum(dim=1) - self.machine.quadratic(v)
            curved = (F.softplus(following * logits) - F.softplus(beta * logits)).flatten(1).sum(dim=1)
            log_w += (following - beta) * straight.double() + curved.double()
            if step < len(betas) - 1:
                h = draws.bernoulli(torch.sigmoid(following * logits), generator=generator)
                precision = following * self.precision + (1.0 - following)
                mean = self.machine.visible_mean(h) * (following * self.precision / precision)
                v = torch.addcmul(mean, precision.rsqrt(), draws.randn_like(mean, generator=generator))
        return log_w, v
