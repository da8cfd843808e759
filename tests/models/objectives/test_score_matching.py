"""Explicit, implicit, sliced and denoising score matching are one criterion up to constants that are known on a
Gaussian.

Data N(0, 1) blurred by sigma has the score -y / (1 + sigma²). Every loss has the factor 1/2.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching, slope_error
from gibbsweep_models.objectives.score_matching.explicit_implicit import ExplicitScoreMatching, ImplicitScoreMatching

SIGMAS = [0.01, 0.1, 0.5, 1.0, 2.0]
# sigma: minimum of DSM, of DSM weighted by sigma², of ISM, the slope of the score
ANCHORS = {
    0.01: (4999.50005, 0.49995, -0.49995, -0.9999),
    0.1: (49.50495, 0.49505, -0.49505, -0.990099),
    0.5: (1.6, 0.4, -0.4, -0.8),
    1.0: (0.25, 0.25, -0.25, -0.5),
    2.0: (0.025, 0.1, -0.1, -0.2),
}


class LinearScore(nn.Module):
    """s(x) = slope * x + offset."""

    def __init__(self, slope: float, offset: float = 0.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope, dtype=torch.float64))
        self.offset = nn.Parameter(torch.tensor(offset, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x + self.offset

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return (-self.slope * x.square() / 2 - self.offset * x).flatten(1).sum(dim=1)


def true_score(sigma: float, y: Tensor) -> Tensor:
    return -y / (1 + sigma**2)


def loss(objective: Any, model: nn.Module, n: int, seed: int = 0) -> float:
    x = randn((n, 1), generator=seeded(0), dtype=torch.float64)
    return float(objective(model, {"x": x}, generator=seeded(1, seed)).total.detach())


@pytest.mark.parametrize("sigma", SIGMAS)
def test_minima_and_slopes_of_the_closed_form(sigma: float) -> None:
    """At the true score explicit score matching is 0, and the minima of the others are reached to 1 %."""
    dsm, weighted, ism, slope = ANCHORS[sigma]
    assert slope == pytest.approx(-1 / (1 + sigma**2), rel=1e-4)
    model, n = LinearScore(-1 / (1 + sigma**2)), 400_000
    assert loss(ExplicitScoreMatching(partial(true_score, sigma), sigma), model, n) < 1e-12
    assert loss(DenoisingScoreMatching(sigma, "score"), model, n) == pytest.approx(dsm, rel=0.01)
    assert loss(DenoisingScoreMatching(sigma, "score", weighted=True), model, n) == pytest.approx(weighted, rel=0.01)
    assert loss(ImplicitScoreMatching(sigma), model, n) == pytest.approx(ism, rel=0.01)
    assert loss(ImplicitScoreMatching(sigma, n_slices=1), model, n) == pytest.approx(
        ism, rel=0.01
    )  # v² = 1 in one dimension


@pytest.mark.parametrize("wrong", [(-0.3, 0.0), (-0.8, 0.5), (-1.5, 0.2), (0.2, -0.4)])
def test_objectives_differ_by_constants_whatever_the_model(wrong: tuple[float, float]) -> None:
    """sigma = .5: denoising - explicit = 1.6, implicit - explicit = -.4, to 1 % with two million draws."""
    sigma, n, model = 0.5, 2_000_000, LinearScore(*wrong)
    explicit = loss(ExplicitScoreMatching(partial(true_score, sigma), sigma), model, n)
    assert loss(DenoisingScoreMatching(sigma, "score"), model, n) - explicit == pytest.approx(1.6, rel=0.01)
    assert loss(ImplicitScoreMatching(sigma), model, n) - explicit == pytest.approx(-0.4, rel=0.01)


def least_squares_slope(sigma: float, n: int, seed: int) -> float:
    """The slope that minimises denoising score matching on ``n`` examples."""
    x, noise = (randn((n,), generator=seeded(seed, stream), dtype=torch.float64) for stream in (0, 1))
    y = x + sigma * noise
    return float(-(noise / sigma @ y) / (y @ y))


def test_the_slope_grows_uncertain_as_sigma_goes_to_zero() -> None:
    """Root mean square errors of the slope over 100 fits to 10,000 examples: about .0056, .0163, .0836, .946."""
    errors = {}
    for sigma, published in {1.0: 0.0056, 0.5: 0.0163, 0.1: 0.0836, 0.01: 0.946}.items():
        slope = -1 / (1 + sigma**2)
        fits = torch.tensor([least_squares_slope(sigma, 10_000, seed) for seed in range(100)]) - slope
        errors[sigma] = float(fits.square().mean().sqrt())
        assert errors[sigma] == pytest.approx(published, rel=0.3)
        assert errors[sigma] == pytest.approx(-slope * slope_error(sigma, 1.0, 10_000), rel=4 / math.sqrt(2 * 100))
    assert errors[0.01] / errors[0.5] == pytest.approx(58, rel=0.3)
    assert slope_error(0.01, 1.0, 10_000) == pytest.approx(1.0)


class Cubic(nn.Module):
    """Of several dimensions that interact, with a gradient field as score."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(randn((6, 6), generator=seeded(3), dtype=torch.float64))

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        flat = x.flatten(1)
        return torch.tanh(flat @ self.matrix).sum(dim=1) + flat.square().sum(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        bent = 1 - torch.tanh(flat @ self.matrix).square()
        return -(bent @ self.matrix.T + 2 * flat).view(x.shape)


def test_an_energy_and_its_score_have_one_loss_and_one_gradient() -> None:
    x = randn((40, 2, 3), generator=seeded(0), dtype=torch.float64)
    for sigma, n_slices in [(0.0, 0), (0.3, 0), (0.3, 2)]:
        by_score, by_energy = Cubic(), Cubic()
        first = ImplicitScoreMatching(sigma, n_slices)(by_score, {"x": x}, generator=seeded(1))
        second = ImplicitScoreMatching(sigma, n_slices, of="energy")(by_energy, {"x": x}, generator=seeded(1))
        torch.testing.assert_close(first.total, second.total)
        torch.autograd.backward([first.total, second.total])
        torch.testing.assert_close(by_score.matrix.grad, by_energy.matrix.grad)


def test_the_trace_is_that_of_the_jacobian_and_slices_average_to_it() -> None:
    model, x = Cubic(), randn((3, 6), generator=seeded(0), dtype=torch.float64)
    jacobians = torch.stack([torch.autograd.functional.jacobian(model, row[None])[0, :, 0] for row in x])
    exact = ImplicitScoreMatching()(model, {"x": x}, generator=seeded(1)).parts["trace"]
    torch.testing.assert_close(exact, torch.stack([jacobian.trace() for jacobian in jacobians]).mean())
    n = 4000
    many = ImplicitScoreMatching(n_slices=1)(model, {"x": x.repeat(n, 1)}, generator=seeded(1)).parts["trace"]
    off_diagonal = jacobians - torch.diag_embed(jacobians.diagonal(dim1=1, dim2=2))
    # Of v . J v with signs: the variance is that of the symmetric part off the diagonal.
    variance = (off_diagonal + off_diagonal.mT).square().sum(dim=(1, 2)).mean() / 2
    assert float(many) == pytest.approx(float(exact), abs=4 * float((variance / (3 * n)).sqrt()))


def test_refusals() -> None:
    with pytest.raises(ValueError, match="sigma=-1"):
        ExplicitScoreMatching(torch.neg, -1.0)
    with pytest.raises(ValueError, match="n_slices=-1"):
        ImplicitScoreMatching(n_slices=-1)
    with pytest.raises(ValueError, match=r"a score maps \(B, \*D\) to \(B, \*D\): got \(4,\)"):
        ImplicitScoreMatching()(lambda x: x[:, 0], {"x": torch.zeros(4, 2)}, generator=seeded(0))
    with pytest.raises(ValueError, match="sigma=0"):
        slope_error(0.0, 1.0, 5)
