"""The evidence lower bound by a model whose posterior and evidence are known, and the convolutional VAE."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.capabilities import CanReconstruct, CanSample
from gibbsweep_models.draws import seeded
from gibbsweep_models.objectives.generation.elbo import (
    ELBO,
    elbo_terms,
    gaussian_kl,
    importance_log_likelihood,
    reparameterise,
)
from gibbsweep_models.objectives.generation.reconstruction import bernoulli_log_prob, gaussian_log_prob
from gibbsweep_models.types import DataSpec, Units

SIGMA = 0.6
# Orthogonal columns make the posterior of z diagonal, as q is.
LOADINGS = torch.tensor([[1.0, 1.0], [2.0, -0.5], [0.0, 0.0], [0.5, 0.0]], dtype=torch.float64)


@dataclass
class LinearGaussian:
    """x = W z + SIGMA n, probabilistic PCA; ``shift`` moves q's mean away from the posterior's."""

    shift: float = 0.0

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        precision = (LOADINGS.T @ LOADINGS).diagonal() / SIGMA**2 + 1
        mean = x @ LOADINGS / SIGMA**2 / precision
        return mean + self.shift, -precision.log().expand_as(mean)

    def log_prob_given_latent(self, x: Tensor, z: Tensor) -> Tensor:
        return gaussian_log_prob(z @ LOADINGS.T, torch.tensor(2 * math.log(SIGMA)).double(), x)


def evidence(x: Tensor) -> Tensor:
    covariance = LOADINGS @ LOADINGS.T + SIGMA**2 * torch.eye(4, dtype=torch.float64)
    mahalanobis = (x @ torch.linalg.inv(covariance) * x).sum(dim=1)
    log_prob: Tensor = -0.5 * (mahalanobis + torch.logdet(covariance) + 4 * math.log(2 * math.pi))
    return log_prob


def examples(n: int) -> Tensor:
    return torch.randn(n, 4, dtype=torch.float64, generator=seeded(0))


def test_kl_and_log_probabilities_agree_with_torch() -> None:
    generator = seeded(1)
    mean, log_variance = torch.randn(2, 5, 3, generator=generator)
    q = Normal(mean, (0.5 * log_variance).exp())
    torch.testing.assert_close(gaussian_kl(mean, log_variance), kl_divergence(q, Normal(0.0, 1.0)).sum(dim=1))
    x = torch.randn(5, 3, generator=generator)
    nll = F.gaussian_nll_loss(mean, x, log_variance.exp(), full=True, reduction="none")
    torch.testing.assert_close(gaussian_log_prob(mean, log_variance, x), -nll.sum(dim=1))
    bits, p = (x > 0).float(), torch.sigmoid(mean)
    torch.testing.assert_close(bernoulli_log_prob(mean, bits), torch.where(bits > 0, p, 1 - p).log().sum(dim=1))


def test_reparameterised_draws_have_the_moments_asked_for() -> None:
    n = 20_000
    mean, log_variance = torch.full((n, 1), 0.7), torch.full((n, 1), math.log(0.3))
    z = reparameterise(mean, log_variance, generator=seeded(0))
    assert float(z.mean()) == pytest.approx(0.7, abs=4 * math.sqrt(0.3 / n))
    assert float(z.var()) == pytest.approx(0.3, rel=4 * math.sqrt(2 / n))


def test_with_the_exact_posterior_the_bound_is_tight_for_every_draw() -> None:
    x = examples(20)
    for n_samples in (1, 4):
        estimate = importance_log_likelihood(LinearGaussian(), x, n_samples=n_samples, generator=seeded(1))
        torch.testing.assert_close(estimate, evidence(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_the_bound_is_the_evidence_less_the_divergence_from_the_posterior(shift: float) -> None:
    n = 20_000
    x = examples(1)
    model = LinearGaussian(shift)
    log_prob, kl = elbo_terms(model, x.expand(n, 4), generator=seeded(1))
    posterior_mean, log_variance = LinearGaussian().encode(x)
    scale = (0.5 * log_variance).exp()
    gap = kl_divergence(Normal(posterior_mean + shift, scale), Normal(posterior_mean, scale)).sum()
    bound = float(evidence(x)) - float(gap)
    assert float((log_prob - kl).mean()) == pytest.approx(bound, abs=4 * float(log_prob.std()) / math.sqrt(n))
    assert float(gap) > 0 or shift == 0


def test_the_importance_bound_tightens_with_its_draws() -> None:
    x, model = examples(1).expand(4000, 4), LinearGaussian(0.4)
    exact = float(evidence(x[:1]))
    bounds = [importance_log_likelihood(model, x, n_samples=k, generator=seeded(1)).mean().item() for k in (1, 5, 50)]
    assert bounds[0] < bounds[1] < bounds[2] < exact + 0.01
    with pytest.raises(ValueError, match="n_samples"):
        importance_log_likelihood(model, x, n_samples=0, generator=seeded(1))


def test_the_objective_weighs_the_two_terms() -> None:
    x, model = examples(50), LinearGaussian()
    log_prob, kl = (term.mean() for term in elbo_terms(model, x, generator=seeded(3)))
    loss = ELBO(beta=2.5)(model, {"x": x}, generator=seeded(3))
    torch.testing.assert_close(loss.total, 2.5 * kl - log_prob)
    torch.testing.assert_close(loss.parts["elbo"], log_prob - kl)
    with pytest.raises(ValueError, match="beta"):
        ELBO(beta=-1.0)


@pytest.mark.parametrize("units", ["signed", "binary"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28)])
def test_a_system_samples_reconstructs_and_embeds(units: Units, shape: tuple[int, ...]) -> None:
    config = VAEConfig(units, channels=(8, 8), latent_dim=5)
    system, copy = config.build(DataSpec(shape, units)), config.build(DataSpec(shape, units))
    x = torch.rand(4, *shape, generator=seeded(0)).round()
    x = x if units == "binary" else 2 * x - 1
    system.initialise(x)
    copy.load_state_dict(system.state_dict())
    assert isinstance(system, CanSample)
    assert isinstance(system, CanReconstruct)
    out = system.sample(6, generator=seeded(2))
    assert out.x.shape == out.info["mean"].shape == (6, *shape)
    if units == "binary":
        assert ((out.x == 0) | (out.x == 1)).all()
    else:
        torch.testing.assert_close(out.x, out.info["mean"])
    torch.testing.assert_close(copy.sample(6, generator=seeded(2)).x, out.x, rtol=0, atol=0)
    assert system.reconstruct(x, generator=seeded(0)).shape == x.shape
    assert system.features(x).shape == (4, 5)
    torch.testing.assert_close(
        system.anomaly_score(x, generator=seeded(4)), -system.elbo(x, generator=seeded(4)), rtol=0, atol=0
    )
    # What the objective reports is what the method returns.
    loss = system.phases()[0].objective(system, {"x": x}, generator=seeded(4))
    torch.testing.assert_close(loss.parts["elbo"], system.elbo(x, generator=seeded(4)).mean())


def test_the_variance_of_a_gaussian_decoder_starts_from_the_data_and_learns_the_residual() -> None:
    x = torch.randn(2000, 1, 8, 8, generator=seeded(0))
    system = VAEConfig().build(DataSpec((1, 8, 8)))
    system.initialise(x)
    assert system.log_variance is not None
    assert float(system.log_variance.detach().exp()) == pytest.approx(0.1 * float(x.var()), rel=1e-4)
    # At the mean squared error the derivative of the bound in the log variance is zero.
    z = torch.zeros(len(x), system.config.latent_dim)
    with torch.no_grad():
        system.log_variance.copy_((x - system.decode(z)).square().mean().log())
    (slope,) = torch.autograd.grad(system.log_prob_given_latent(x, z).mean(), system.log_variance)
    assert float(slope) == pytest.approx(0, abs=1e-3)


def test_units_must_be_those_of_the_data() -> None:
    with pytest.raises(ValueError, match="units='binary'"):
        VAEConfig().build(DataSpec((1, 8, 8), "binary"))
