"""Guidance on Gaussian classes, where it has a closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.guidance import ClassifierFree, ClassifierGuidance
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.noise.geometric import GeometricSchedule
from gibbsweep_models.samplers.diffusion.annealed_langevin import AnnealedLangevin
from gibbsweep_models.samplers.diffusion.heun import Heun
from gibbsweep_models.samplers.diffusion.score_langevin import ScoreLangevin

S2, T2 = 0.25, 1.0
"""Of a class, and of the classes' means."""


class GaussianClasses:
    """Classes N(m, s²), one a value m of ``cond`` (B,), m ~ N(0, t²); "no class" is their mixture N(0, s² + t²)."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        self.calls += 1
        noise = sigma[:, None] ** 2
        if cond is None:
            return (S2 + T2) / (S2 + T2 + noise) * x
        return cond[:, None] + S2 / (S2 + noise) * (x - cond[:, None])


# w: variance over s², mean over m, at low noise
CLOSED = {0.3: (0.807, 1.048), 1.0: (0.556, 1.111), 4.0: (0.238, 1.190)}


@pytest.mark.parametrize("w", CLOSED)
def test_the_guided_score_is_a_gaussian_of_known_moments(w: float) -> None:
    sigma = 1e-3
    r = (S2 + sigma**2) / (S2 + T2 + sigma**2)
    variance, mean = 1 / (1 + w - w * r), (1 + w) / (1 + w - w * r)
    assert (variance, mean) == pytest.approx(CLOSED[w], abs=1e-3)
    guided = ClassifierFree(w).guide(GaussianClasses())
    x = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
    level, m = torch.full((5,), sigma, dtype=torch.float64), torch.full((5,), 0.7, dtype=torch.float64)
    score = (guided(x, level, m) - x) / sigma**2
    torch.testing.assert_close(score, (mean * 0.7 - x) / (variance * (S2 + sigma**2)), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("w", CLOSED)
def test_langevin_under_guidance_has_those_moments(w: float) -> None:
    """At one level of sigma = .3, in the steps' own stationary state."""
    sigma, n, step = 0.3, 20_000, 0.2
    r = (S2 + sigma**2) / (S2 + T2 + sigma**2)
    variance, mean = (S2 + sigma**2) / (1 + w - w * r), 0.7 * (1 + w) / (1 + w - w * r)
    stationary = variance / (1 - step * sigma**2 / (2 * variance))
    sampler = AnnealedLangevin(1, 150, step, GeometricSchedule(0.1, sigma), denoise=False)
    m = torch.full((n,), 0.7, dtype=torch.float64)
    start = mean + math.sqrt(variance) * randn((n, 1), generator=seeded(0), dtype=torch.float64)
    x = sampler(ClassifierFree(w).guide(GaussianClasses()), start, cond=m, generator=seeded(1)).x
    assert float(x.mean()) == pytest.approx(mean, abs=4 * math.sqrt(stationary / n))
    assert float(x.var()) == pytest.approx(stationary, rel=4 * math.sqrt(2 / n))


@pytest.mark.parametrize("w", CLOSED)
def test_samples_at_low_noise_have_the_moments_of_the_table(w: float) -> None:
    """The per-level target at sigma = .02, where the table holds to .2 %; s² = .25, t² = 1."""
    sigma, n = 0.02, 40_000
    variance, mean = CLOSED[w]
    sampler = ScoreLangevin(80, 0.1 * variance * S2, sigma)
    biased = variance * S2 / (1 - 0.1 / 2)  # the steps' own stationary variance
    m = torch.full((n,), 0.7, dtype=torch.float64)
    start = 0.7 + math.sqrt(S2) * randn((n, 1), generator=seeded(0), dtype=torch.float64)  # the class, unguided
    x = sampler(ClassifierFree(w).guide(GaussianClasses()), start, cond=m, generator=seeded(1)).x
    assert float(x.mean()) / 0.7 == pytest.approx(mean, abs=4 * math.sqrt(biased / n) / 0.7 + 2e-3)
    assert float(x.var()) == pytest.approx(biased, rel=4 * math.sqrt(2 / n) + 2e-3)


CLASSES = [
    GaussianMixture(torch.tensor([[m, -m]], dtype=torch.float64), stds=s)
    for m, s in [(1.0, 0.3), (-0.5, 0.6), (0.2, 0.2)]
]
ALL = GaussianMixture(torch.cat([part.means for part in CLASSES]), stds=torch.stack([part.stds[0] for part in CLASSES]))


def conditional(x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
    if cond is None:
        denoised: Tensor = ALL(x, sigma)
        return denoised
    every = torch.stack([part(x, sigma) for part in CLASSES])
    return every[cond, torch.arange(len(x))]


def bayes(x: Tensor, sigma: Tensor) -> Tensor:
    """The exact classifier, of logits ln p(x | y) + ln p(y)."""
    return torch.stack([part.log_prob(x, sigma) for part in CLASSES], dim=1)


def states() -> tuple[Tensor, Tensor, Tensor]:
    x = randn((12, 2), generator=seeded(0), dtype=torch.float64)
    return x, torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64).repeat(4), torch.arange(12) % 3


def test_the_exact_classifier_makes_the_conditional_denoiser() -> None:
    x, sigma, y = states()
    guided = ClassifierGuidance(1.0).guide(conditional, bayes)
    torch.testing.assert_close(guided(x, sigma, y), conditional(x, sigma, y))


@pytest.mark.parametrize("w", [0.5, 2.0])
def test_both_kinds_are_one_with_the_exact_classifier(w: float) -> None:
    x, sigma, y = states()
    free = ClassifierFree(w).guide(conditional)(x, sigma, y)
    torch.testing.assert_close(ClassifierGuidance(w, conditional=True).guide(conditional, bayes)(x, sigma, y), free)
    torch.testing.assert_close(ClassifierGuidance(1 + w).guide(conditional, bayes)(x, sigma, y), free)


def test_guidance_stays_in_its_interval_and_costs_nothing_outside() -> None:
    x, sigma, y = states()
    guided = ClassifierFree(2.0, (0.3, 1.0)).guide(conditional)(x, sigma, y)
    everywhere, plain = ClassifierFree(2.0).guide(conditional)(x, sigma, y), conditional(x, sigma, y)
    inside = (sigma == 0.5)[:, None]
    torch.testing.assert_close(guided, torch.where(inside, everywhere, plain))
    counted = GaussianClasses()
    sampler = Heun(18)
    nfe = sampler(
        ClassifierFree(2.0, (0.3, 1.0)).guide(counted), torch.ones(4, 1), cond=torch.ones(4), generator=seeded(0)
    ).nfe
    assert nfe < counted.calls < 2 * nfe


def test_samples_stay_without_a_graph_and_the_caller_may_differentiate_nothing() -> None:
    x, sigma, y = states()
    with torch.no_grad():
        assert not ClassifierGuidance().guide(conditional, bayes)(x, sigma, y).requires_grad


def test_refusals() -> None:
    with pytest.raises(ValueError, match="got no classifier"):
        ClassifierGuidance().guide(conditional, None)
    for guided in (ClassifierFree().guide(conditional), ClassifierGuidance().guide(conditional, bayes)):
        with pytest.raises(ValueError, match="cond=None"):
            guided(torch.zeros(2, 2), torch.ones(2))
    with pytest.raises(ValueError, match=r"interval=\(1.0, 0.5\)"):
        ClassifierFree(1.0, (1.0, 0.5))
    with pytest.raises(ValueError, match="scale=nan"):
        ClassifierGuidance(math.nan)
    wrong = ClassifierGuidance().guide(conditional, lambda x, sigma: x[:, 0])
    with pytest.raises(ValueError, match="logits"):
        wrong(torch.zeros(2, 2, dtype=torch.float64), torch.ones(2), torch.zeros(2, dtype=torch.int64))
