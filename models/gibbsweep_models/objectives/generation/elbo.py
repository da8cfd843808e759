"""The evidence lower bound of a variational autoencoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.objectives.generation.reconstruction import gaussian_log_prob
from gibbsweep_models.types import Batch, Loss


class LatentVariableModel(Protocol):
    """p(x, z) = p(x | z) N(z; 0, I) with an approximate posterior q(z | x) = N(mean, diag exp(log_variance))."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log_variance of q(z | x): (B, *D) -> (B, latent) each."""
        ...

    def log_prob_given_latent(self, x: Tensor, z: Tensor) -> Tensor:
        """ln p(x | z): (B, *D), (B, latent) -> (B,), in nats."""
        ...


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp(log_variance)) || N(0, I)): (B, latent) -> (B,) (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1.0).sum(dim=1)


def reparameterise(mean: Tensor, log_variance: Tensor, *, generator: torch.Generator) -> Tensor:
    """z ~ N(mean, diag exp(log_variance)), (B, latent), differentiable in both."""
    return mean + torch.exp(0.5 * log_variance) * randn_like(mean, generator=generator)


def elbo_terms(model: LatentVariableModel, x: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """One-draw estimate of E_q ln p(x | z), and the exact KL(q || p), each (B,); the bound is their difference."""
    mean, log_variance = model.encode(x)
    z = reparameterise(mean, log_variance, generator=generator)
    return model.log_prob_given_latent(x, z), gaussian_kl(mean, log_variance)


@torch.no_grad()
def importance_log_likelihood(
    model: LatentVariableModel, x: Tensor, *, n_samples: int, generator: torch.Generator
) -> Tensor:
    """ln mean_k p(x, z_k) / q(z_k | x) with z_k ~ q: (B, *D) -> (B,), in nats (Burda et al. 2016, equation 8).

    In expectation a lower bound on ln p(x) that tightens with ``n_samples``; with the exact posterior it is ln p(x)
    for every draw.
    """
    if n_samples < 1:
        raise ValueError(f"got n_samples={n_samples}, expected at least 1 draw; 100 or more give a tight bound")
    mean, log_variance = model.encode(x)
    total = x.new_full((len(x),), -math.inf)
    standard = torch.zeros_like(mean)
    for _ in range(n_samples):
        z = reparameterise(mean, log_variance, generator=generator)
        log_weight = (
            model.log_prob_given_latent(x, z)
            + gaussian_log_prob(standard, standard, z)
            - gaussian_log_prob(mean, log_variance, z)
        )
        total = torch.logaddexp(total, log_weight)
    return total - math.log(n_samples)


@dataclass(frozen=True)
class ELBO:
    """-E_q ln p(x | z) + ``beta`` KL(q(z | x) || N(0, I)), one draw per example, mean over the batch, in nats. Parts:
    ``distortion`` = -E_q ln p(x | z), ``kl`` and ``elbo`` (at beta = 1).

    >>> from gibbsweep_models.baselines.vae import VAEConfig
    >>> system = VAEConfig(channels=(4, 8)).build(DataSpec((1, 8, 8)))
    >>> loss = ELBO(beta=1.0)(system, {"x": torch.zeros(4, 1, 8, 8)}, generator=seeded(0))
    """

    beta: float = 1.0
    """1 bounds -ln p(x) (Kingma & Welling 2014, equation 10); other values are Higgins et al.'s (2017)."""

    def __post_init__(self) -> None:
        if self.beta < 0:
            raise ValueError(f"got beta={self.beta}, expected a weight >= 0; 1 gives the evidence lower bound")

    def __call__(self, model: LatentVariableModel, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]``: (B, *D)."""
        log_prob, kl = (term.mean() for term in elbo_terms(model, batch["x"], generator=generator))
        parts = {"distortion": -log_prob.detach(), "kl": kl.detach(), "elbo": (log_prob - kl).detach()}
        return Loss(self.beta * kl - log_prob, parts)
