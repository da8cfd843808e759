"""A Gaussian mixture's density, score and denoiser agree with one another and with a single Gaussian's."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.noise.shape import expand_like

SHAPE = (1, 2, 2)


def mixture(k: int = 3, dtype: torch.dtype = torch.float64) -> GaussianMixture:
    means = randn((k, *SHAPE), generator=seeded(0), dtype=dtype)
    return GaussianMixture(means, torch.linspace(1, 2, k), torch.linspace(0.1, 0.6, k))


def test_one_component_is_a_gaussian() -> None:
    mean, s = torch.full((1, 3), 0.4, dtype=torch.float64), 0.5
    one = GaussianMixture(mean, stds=s)
    x, sigma = randn((4, 3), generator=seeded(0), dtype=torch.float64), torch.tensor([0.0, 0.1, 1.0, 9.0]).double()
    variance = expand_like(s**2 + sigma**2, x)
    torch.testing.assert_close(one.score(x, sigma), (mean - x) / variance)
    torch.testing.assert_close(one(x, sigma), mean + s**2 / variance * (x - mean))
    log_prob = torch.distributions.Normal(mean, variance.sqrt()).log_prob(x).sum(dim=1)
    torch.testing.assert_close(one.log_prob(x, sigma), log_prob)


@pytest.mark.parametrize("k", [3, 1500])
def test_score_is_the_gradient_and_tweedie_the_denoiser(k: int) -> None:
    model = mixture(k)
    sigma = torch.tensor([0.05, 0.5, 2.0, 20.0], dtype=torch.float64)
    x = randn((4, *SHAPE), generator=seeded(1), dtype=torch.float64).requires_grad_(True)
    (gradient,) = torch.autograd.grad(model.log_prob(x, sigma).sum(), x)
    score = model.score(x, sigma)
    torch.testing.assert_close(score, gradient)
    torch.testing.assert_close(model(x, sigma), x + expand_like(sigma**2, x) * score)


def test_draws_have_the_moments_of_the_mixture() -> None:
    model, n = mixture(), 40_000
    x = model.draw(n, generator=seeded(2)).flatten(1)
    weights, means = model.log_weights.exp(), model.means.flatten(1)
    mean = weights @ means
    variance = weights @ (model.stds[:, None] ** 2 + means**2) - mean**2
    assert bool(((x.mean(dim=0) - mean).abs() < 4 * (variance / n).sqrt()).all())
    assert float((x.var(dim=0) / variance - 1).abs().max()) < 4 * math.sqrt(3 / n)
    assert float(model.log_prob(x.view(-1, *SHAPE), torch.zeros(n).double()).mean()) > -6


def test_point_masses_are_found_at_low_noise() -> None:
    model = GaussianMixture(randn((9, 300), generator=seeded(0)))
    x = model.means + 0.01 * randn((9, 300), generator=seeded(1))
    torch.testing.assert_close(model(x, torch.full((9,), 0.01)), model.means)


def test_refusals() -> None:
    means = torch.zeros(2, 3)
    bad: list[tuple[Tensor | None, Tensor | float]] = [
        (torch.ones(3), 0.0),
        (torch.tensor([1.0, 0.0]), 0.0),
        (None, -1.0),
    ]
    for weights, stds in bad:
        with pytest.raises(ValueError, match="for 2 means"):
            GaussianMixture(means, weights, stds)
    with pytest.raises(ValueError, match="one level an example"):
        GaussianMixture(means)(torch.zeros(4, 3), torch.ones(1))
