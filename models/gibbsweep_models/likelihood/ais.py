"""Annealed importance sampling of an RBM's partition function, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.likelihood.weights import log_mean_weight
from gibbsweep_models.nn.energies.rbm import NormalForm
from gibbsweep_models.samplers.mcmc.gibbs import BinaryBipartite, BlockGibbs


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z."""

    value: float
    """log Z, in nats."""
    standard_error: float
    """Standard error of ``value``, in nats."""
    effective_sample_size: float
    """Effective number of the weights behind it."""
    n_chains: int
    """Number of those weights."""


def linear_temperatures(n: int) -> Tensor:
    """(n + 1,) inverse temperatures from 0 to 1: ``n`` equal steps. Double precision."""
    if n < 1:
        raise ValueError(f"annealing needs at least one step: got n = {n}")
    return torch.linspace(0.0, 1.0, n + 1, dtype=torch.float64)


def salakhutdinov_murray_temperatures() -> Tensor:
    """(14501,) inverse temperatures: 500 steps to .5, 4,000 to .9 and 10,000 to 1 (Salakhutdinov & Murray 2008)."""
    pieces = [torch.linspace(0.0, 0.5, 501), torch.linspace(0.5, 0.9, 4001)[1:], torch.linspace(0.9, 1.0, 10001)[1:]]
    return torch.cat([piece.double() for piece in pieces])


def base_rate_bias(x: Tensor) -> Tensor:
    """The visible biases (V,) of independent units with the means of ``x`` (N, *D), smoothed by one example on and one
    off."""
    v = x.flatten(1)
    return torch.logit((v.sum(dim=0) + 1.0) / (len(v) + 2.0))


@torch.no_grad()
def annealed_importance_sampling(
    model: BinaryBipartite, base_bias: Tensor, temperatures: Tensor, *, n_chains: int = 100, generator: torch.Generator
) -> LogPartition:
    """log Z by annealing from independent units with biases ``base_bias`` (V,) to the model (Neal 2001; Salakhutdinov &
    Murray 2008).

    The intermediate energies are ``β E(v, h) - (1 - β) v·base_bias``, β along ``temperatures`` (T,) from 0 to 1, one
    Gibbs step each. Z is estimated without bias, so log Z is underestimated in expectation and a likelihood that uses
    it is overestimated.
    """
    form = model.normal_form()
    _check(temperatures)
    path = _Path(form, base_bias)
    v = draws.bernoulli(torch.sigmoid(base_bias).expand(n_chains, -1).contiguous(), generator=generator)
    log_w = _anneal(path, v, temperatures.tolist(), generator)
    value, standard_error, effective_sample_size = log_mean_weight(log_w)
    return LogPartition(path.base_log_partition() + value, standard_error, effective_sample_size, n_chains)


@torch.no_grad()
def reverse_annealed_importance_sampling(
    model: BinaryBipartite,
    base_bias: Tensor,
    temperatures: Tensor,
    x: Tensor,
    *,
    equilibration: int = 1000,
    generator: torch.Generator,
) -> LogPartition:
    """log Z by annealing from the model down to the base-rate model (Burda, Grosse & Salakhutdinov 2015):
    ``temperatures`` backwards.

    The chains start at ``x`` (N, *D), taken to the model's distribution by ``equilibration`` Gibbs steps. Started in
    equilibrium, 1 / Z is estimated without bias, so log Z is overestimated in expectation and a likelihood that uses it
    is underestimated. Chains that still remember ``x`` void that guarantee.
    """
    form = model.normal_form()
    _check(temperatures)
    path = _Path(form, base_bias)
    v = x.flatten(1).to(base_bias.dtype)
    if equilibration:
        v = BlockGibbs(equilibration)(form, v, generator=generator).x
    log_w = _anneal(path, v, temperatures.flip(0).tolist(), generator)
    value, standard_error, effective_sample_size = log_mean_weight(log_w)
    return LogPartition(path.base_log_partition() - value, standard_error, effective_sample_size, len(v))


class _Path:
    """The unnormalised ``log p*_β(v) = v·((1 - β) base + β b) + Σ_j softplus(β a_j(v)) - β constant`` between the two
    models."""

    def __init__(self, form: NormalForm, base_bias: Tensor) -> None:
        if base_bias.shape != form.visible_bias.shape:
            raise ValueError(
                f"the base-rate model needs one bias a visible unit, {tuple(form.visible_bias.shape)}: "
                f"got {tuple(base_bias.shape)}; use base_rate_bias(x)"
            )
        self.form = form
        self.base_bias = base_bias
        self.bias_gap = form.visible_bias - base_bias

    def base_log_partition(self) -> float:
        """log Z at β = 0: independent visible units, and hidden units that are on with probability 1/2."""
        n_hidden = self.form.hidden_bias.numel()
        log_two = torch.log(torch.tensor(2.0, dtype=torch.float64))
        return float(torch.nn.functional.softplus(self.base_bias.double()).sum() + n_hidden * log_two)

    def hidden_mean(self, hidden_logits: Tensor, beta: float) -> Tensor:
        return torch.sigmoid(beta * hidden_logits)

    def sample_visible(self, h: Tensor, beta: float, generator: torch.Generator) -> Tensor:
        logits = torch.addmm(self.base_bias + beta * self.bias_gap, h, self.form.weight.t(), alpha=beta)
        return draws.bernoulli(logits.sigmoid_(), generator=generator)


def _anneal(path: _Path, v: Tensor, temperatures: list[float], generator: torch.Generator) -> Tensor:
    """Σ_t log p*_{t+1}(v_t) - log p*_t(v_t) (N,), double, with v_{t+1} one Gibbs step at temperature t + 1 from v_t."""
    log_w = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    last = len(temperatures) - 1
    for step, (beta, following) in enumerate(pairwise(temperatures), start=1):
        hidden_logits = path.form.hidden_logits(v)
        here, there = path.hidden_mean(hidden_logits, beta), path.hidden_mean(hidden_logits, following)
        # softplus(β a) = β relu(a) - log max(p, 1 - p) with p = sigmoid(β a), which the Gibbs step needs as well.
        curved = torch.maximum(here, 1.0 - here).div_(torch.maximum(there, 1.0 - there)).log_().sum(dim=1)
        straight = v @ path.bias_gap + hidden_logits.clamp_min_(0.0).sum(dim=1) - path.form.constant
        log_w += (following - beta) * straight.double() + curved
        if step < last:
            h = draws.bernoulli(there, generator=generator)
            v = path.sample_visible(h, following, generator)
    return log_w


def _check(temperatures: Tensor) -> None:
    rising = bool((temperatures.diff() > 0).all())
    if temperatures.ndim != 1 or len(temperatures) < 2 or not rising or temperatures[0] != 0 or temperatures[-1] != 1:
        raise ValueError(
            f"annealing needs inverse temperatures (T,) rising from 0 to 1: got shape {tuple(temperatures.shape)} from "
            f"{float(temperatures.flatten()[0])} to {float(temperatures.flatten()[-1])}; use linear_temperatures(n)"
        )
