"""Norms, likelihoods and energies as anomaly scores: closed forms of Gaussian data, and detectors against
scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from gibbsweep_models.baselines.vae import VAEConfig
from gibbsweep_models.bases.denoiser_anomaly import (
    BoundOfLikelihood,
    DenoisingErrors,
    FlowOfLikelihood,
    ScoreNorms,
    score_norms,
)
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.energy.dsm_energy import DSMEnergyConfig
from gibbsweep_models.likelihood.complexity import compressed_bits
from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.detectors.mixture import Mixture
from gibbsweep_models.nn.detectors.neighbours import Neighbours
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.objectives.score_matching.vlb import VariationalBound
from gibbsweep_models.types import DataSpec

STD = 0.5
WIDE = GeometricSchedule(0.02, 40.0)


class Zero(torch.nn.Module):
    """The network that makes a preconditioned denoiser exact for data N(0, STD²)."""

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        return torch.zeros_like(x)


GAUSSIAN = EDMPrecondition(Zero(), STD)


def features(n: int, seed: int) -> Tensor:
    """Two clusters of correlated features on scales of their own."""
    z = randn((n, 3), generator=seeded(seed))
    z[: n // 2] += 3.0
    return torch.stack([z[:, 0], 10 * (z[:, 0] + z[:, 1]), 0.1 * z[:, 2] - 5], dim=1)


def standardised(x: Tensor, of: Tensor) -> np.ndarray:
    return ((x - of.mean(0)) / of.std(0, correction=0)).numpy()


def test_neighbours_are_scikit_learn_s() -> None:
    train, x = features(200, 0), features(50, 1)
    detector = Neighbours(4).build(200, 3)
    detector.fit(train, generator=seeded(0))
    reference = NearestNeighbors(n_neighbors=4).fit(standardised(train, train))
    expected = reference.kneighbors(standardised(x, train))[0][:, -1]
    np.testing.assert_allclose(detector(x).numpy(), expected, rtol=1e-3, atol=1e-3)


def test_a_mixture_scores_as_scikit_learn_s_does() -> None:
    train, x = features(200, 0), features(50, 1)
    detector = Mixture(2, ridge=1e-4).build(200, 3)
    detector.fit(train, generator=seeded(0))
    seed = int(torch.randint(2**31 - 1, (), generator=seeded(0)))
    mixture = GaussianMixture(2, reg_covar=1e-4, random_state=seed).fit(standardised(train, train).astype(np.float64))
    np.testing.assert_allclose(
        detector(x).numpy(), -mixture.score_samples(standardised(x, train)), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("form", [Neighbours(3), Mixture(2)])
def test_a_fitted_detector_is_in_its_state(form: Neighbours | Mixture) -> None:
    fitted, loaded = form.build(200, 3), form.build(200, 3)
    with pytest.raises(ValueError, match="seen no features"):
        fitted(features(5, 1))
    fitted.fit(features(200, 0), generator=seeded(0))
    loaded.load_state_dict(fitted.state_dict())
    x = features(50, 1)
    assert torch.equal(fitted(x), loaded(x))
    assert float(fitted(x + 100).min()) > float(fitted(x).max())
    with pytest.raises(ValueError, match="not finite"):
        fitted.fit(x / 0, generator=seeded(0))


def test_norms_of_a_gaussian() -> None:
    """The score of N(0, s²) blurred by sigma is -x / (s² + sigma²)."""
    x = randn((4, 3, 2, 2), generator=seeded(0))
    sigmas = [0.1, 1.0, 3.0]
    expected = [sigma * x.flatten(1).norm(dim=1) / (STD**2 + sigma**2) for sigma in sigmas]
    torch.testing.assert_close(score_norms(GAUSSIAN, x, sigmas), torch.stack(expected, dim=1))


def test_norms_find_what_is_larger_and_what_is_smaller() -> None:
    """Which no likelihood of a Gaussian does: what is nearer to its mode is likelier."""
    score = ScoreNorms(Neighbours(3), n_levels=3, n_examples=200).build(WIDE)
    normal = STD * randn((300, 1, 16, 16), generator=seeded(0))
    score.fit(GAUSSIAN, normal[:200], generator=seeded(1))
    usual, large, small = (score(GAUSSIAN, factor * normal[200:], generator=seeded(0)) for factor in (1.0, 1.6, 0.5))
    assert float(large.min()) > float(usual.median()) and float(small.min()) > float(usual.median())
    bound = BoundOfLikelihood(100).build(WIDE)
    usual, small = (bound(GAUSSIAN, factor * normal[200:], generator=seeded(0)) for factor in (1.0, 0.5))
    assert float(small.max()) < float(usual.mean())


def test_both_likelihoods_are_the_gaussian_s() -> None:
    """Up to the blur by the lowest level; the bound is tight where the denoiser is exact, and noisy from its draws."""
    x = STD * randn((6, 1, 16, 16), generator=seeded(0))
    variance = STD**2 + WIDE.sigma_min**2
    nats = 0.5 * (x.flatten(1).square().sum(1) / variance + x[0].numel() * math.log(2 * math.pi * variance))
    flow = FlowOfLikelihood(tolerance=1e-4).build(WIDE)(GAUSSIAN, x, generator=seeded(1))
    torch.testing.assert_close(flow, nats, rtol=0.01, atol=1.0)
    bits = BoundOfLikelihood(1000).build(WIDE)(GAUSSIAN, x, generator=seeded(1))
    torch.testing.assert_close(bits, nats / (x[0].numel() * math.log(2)), rtol=0, atol=0.15)


def test_times_in_the_middle_of_equal_parts_leave_the_examples_order() -> None:
    """One time each leaves a spread between equal examples that a grid of times has not."""
    x = (STD * randn((1, 1, 8, 8), generator=seeded(0))).expand(50, 1, 8, 8).clone()
    bound = VariationalBound(WIDE)
    drawn = bound.terms(GAUSSIAN, x, generator=seeded(1))["diffusion"]
    even = bound.terms(GAUSSIAN, x, generator=seeded(1), n_times=32)["diffusion"]
    assert float(even.std()) < 0.2 * float(drawn.std())
    assert float(even.mean()) == pytest.approx(float(drawn.mean()), abs=4 * float(drawn.std()) / 50**0.5)
    with pytest.raises(ValueError, match="at least 1 time"):
        bound.terms(GAUSSIAN, x, generator=seeded(1), n_times=0)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="positive noise levels"):
        DenoisingErrors((0.0,))
    with pytest.raises(ValueError, match="at least 2 of each"):
        ScoreNorms(n_levels=1)
    with pytest.raises(ValueError, match="lower k"):
        Neighbours(5).build(4, 3)
    with pytest.raises(ValueError, match="lower it"):
        Mixture(5).build(4, 3)
    with pytest.raises(ValueError, match="positive noise levels"):
        DSMEnergyConfig(anomaly_sigmas=(0.1, -1.0))


def test_energies_add_up_over_levels() -> None:
    x = randn((3, 1, 8, 8), generator=seeded(0))
    one, two, both = (
        DSMEnergyConfig(channels=(8, 8), anomaly_sigmas=sigmas).build(DataSpec((1, 8, 8)))
        for sigmas in ((0.2,), (1.0,), (0.2, 1.0))
    )
    scores = [system.anomaly_score(x, generator=seeded(0)) for system in (one, two, both)]
    # A new network returns zero: the energy of N(0, sigma_data²) blurred.
    expected = [0.5 * x.flatten(1).square().sum(1) / (0.25 + sigma**2) for sigma in (0.2, 1.0)]
    torch.testing.assert_close(scores[0], expected[0])
    torch.testing.assert_close(scores[2], expected[0] + expected[1])
    torch.testing.assert_close(scores[0] + scores[1], scores[2])


def test_noise_is_complex_and_a_plain_image_is_not() -> None:
    plain, noise = torch.zeros(2, 3, 32, 32), randn((2, 3, 32, 32), generator=seeded(0)).clamp(-1, 1)
    bits = compressed_bits(torch.cat([plain, noise]))
    assert bits.shape == (4,) and bool((bits % 8 == 0).all())
    assert float(bits[:2].max()) < 3000 and float(bits[2:].min()) > 0.8 * 8 * 3072
    assert compressed_bits(plain[:, :1]).shape == (2,)
    with pytest.raises(ValueError, match="choose images"):
        compressed_bits(torch.zeros(2, 7))


def test_the_corrected_likelihood_is_bits_less_those_of_the_file() -> None:
    spec, x = DataSpec((1, 8, 8)), randn((5, 1, 8, 8), generator=seeded(0)).clamp(-1, 1)
    plain, corrected = VAEConfig().build(spec), VAEConfig(corrected=True).build(spec)
    corrected.load_state_dict(plain.state_dict())
    nats = plain.anomaly_score(x, generator=seeded(0))
    bits = nats / (64 * math.log(2)) - math.log2(2 / 255)
    torch.testing.assert_close(corrected.anomaly_score(x, generator=seeded(0)), bits - compressed_bits(x) / 64)
    with pytest.raises(ValueError, match="corrected=False"):
        VAEConfig(units="binary", corrected=True).build(DataSpec((1, 8, 8), "binary"))
