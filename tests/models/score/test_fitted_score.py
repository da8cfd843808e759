"""Scores fitted on a line: closed-form slopes and minima, and one criterion in four forms."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.denoisers.densities import DENSITIES, density_of
from gibbsweep_models.score.fitted_score import FittedScoreConfig, FittedScoreSystem, Matching
from gibbsweep_models.types import DataSpec

LINE = DataSpec((1,))
SIGMAS = (0.5, 1.0, 2.0)


def standardised(n: int) -> Tensor:
    """Normal numbers of mean 0 and variance 1 exactly, so that what is left is the noise's error."""
    x = randn((n, 1), generator=seeded(0), dtype=torch.float64)
    return (x - x.mean()) / x.std(correction=0)


def fitted(matching: Matching, x: Tensor, **numbers: object) -> FittedScoreSystem:
    config = FittedScoreConfig(matching, **{"sigmas": SIGMAS, "draws": 400_000, **numbers})  # type: ignore[arg-type]
    system = config.build(LINE)
    system.fit({"x": x}, generator=seeded(1))
    return system


@pytest.mark.parametrize("matching", ["explicit", "implicit", "sliced", "denoising"])
def test_slopes_and_minima_of_the_closed_form(matching: Matching) -> None:
    """-1 / (1 + sigma²) to 1 %, and minima 1.6, .25, .025 of the denoising and -.4, -.25, -.1 of the implicit
    criterion."""
    system = fitted(matching, standardised(200_000))
    x = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    least = {"denoising": (1.6, 0.25, 0.025), "explicit": (0.0, 0.0, 0.0)}.get(matching, (-0.4, -0.25, -0.1))
    for sigma, expected in zip(SIGMAS, least, strict=True):
        low, high = system.score(x, sigma)[:, 0].tolist()
        assert (high - low) / 2 == pytest.approx(-1 / (1 + sigma**2), rel=0.01)
        reached, known = system.minimum(sigma, 1 / (1 + sigma**2))
        assert known == pytest.approx(expected)
        assert reached == pytest.approx(expected, rel=0.01, abs=1e-9)


def test_the_exact_one_fits_nothing_and_is_exact() -> None:
    x = standardised(1000)
    system = fitted("exact", x)
    assert not list(system.parameters())
    torch.testing.assert_close(system.score(x, 1.0), -x / 2)


def test_a_network_learns_what_a_line_cannot() -> None:
    density = density_of("gauss1d").double()
    x = density.draw(4000, generator=seeded(0))
    level = torch.full((len(x),), 0.1, dtype=torch.float64)
    errors = {}
    for form in ("linear", "mlp"):
        system = fitted("denoising", x, density="gauss1d", form=form, sigmas=(0.1,), draws=4000, hidden=(12, 12))
        errors[form] = float((system.score(x, 0.1) - density.score(x, level)).square().mean())
    assert errors["mlp"] < 0.05 * errors["linear"]


def test_few_draws_at_a_low_level_are_warned_about() -> None:
    with pytest.warns(UserWarning, match=r"sigma=0.01 from 10000 draws .* uncertain by 100%"):
        fitted("denoising", standardised(1000), sigmas=(0.01, 1.0), draws=10_000, iterations=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted("implicit", standardised(1000), sigmas=(0.01,), draws=1000, iterations=2)


@pytest.mark.parametrize("name", DENSITIES)
def test_a_known_density_is_normalised(name: str) -> None:
    density = density_of(name).double()
    side = torch.linspace(-8, 8, 20_001 if density.means.shape[1] == 1 else 801, dtype=torch.float64)
    grid = side[:, None] if density.means.shape[1] == 1 else torch.cartesian_prod(side, side)
    volume = (16 / (len(side) - 1)) ** density.means.shape[1]
    p = density.log_prob(grid, torch.zeros(len(grid), dtype=torch.float64)).exp()
    assert float(p.sum() * volume) == pytest.approx(1.0, abs=1e-4)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="matching='guess'"):
        FittedScoreConfig("guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="sigmas="):
        FittedScoreConfig(sigmas=(0.0,))
    with pytest.raises(ValueError, match="not known"):
        FittedScoreConfig(density="mnist")
    with pytest.raises(ValueError, match="pass --data normal1d"):
        FittedScoreConfig("explicit").build(DataSpec((2,)))
    with pytest.raises(ValueError, match=r"on vectors \(D,\)"):
        FittedScoreConfig().build(DataSpec((1, 8, 8)))
    with pytest.raises(ValueError, match="whose score is taken for the true one"):
        fitted("explicit", 0.3 * standardised(1000))
    with pytest.raises(ValueError, match="one of the fitted levels"):
        fitted("implicit", standardised(1000), draws=500).score(torch.zeros(1, 1), 0.3)
