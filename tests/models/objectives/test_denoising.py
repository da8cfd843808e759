"""Denoising score matching against its closed form on a Gaussian."""

import math

import pytest
import torch
from torch import Tensor, nn

from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.objectives.score_matching.denoising import DenoisingScoreMatching


class LinearScore(nn.Module):
    """s(x) = slope * x, and the energy -slope * |x|² / 2 of that score."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.slope * x

    def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        return -self.slope * x.square().flatten(1).sum(dim=1) / 2


@pytest.mark.parametrize(("s", "sigma"), [(1.0, 0.1), (1.0, 0.5), (1.0, 1.0), (0.5, 0.5), (2.0, 1.0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_minimum_and_minimiser_on_a_gaussian(s: float, sigma: float, weighted: bool) -> None:
    n = 200_000
    slope = -1 / (s**2 + sigma**2)
    minimum = (1 / sigma**2 - 1 / (s**2 + sigma**2)) / 2 * (sigma**2 if weighted else 1)
    model = LinearScore(slope)
    x = s * randn((n, 1), generator=seeded(0), dtype=torch.float64)
    objective = DenoisingScoreMatching(sigma, of="score", weighted=weighted)
    loss = objective(model, {"x": x}, generator=seeded(1))
    # The residual is Gaussian, so its halved square has standard deviation sqrt(2) times its mean.
    assert float(loss.total.detach()) == pytest.approx(minimum, abs=4 * math.sqrt(2) * minimum / math.sqrt(n))
    torch.autograd.backward(loss.total)
    # At the minimiser y and the residual are independent: the gradient is a mean of products with known variances.
    weight = sigma**2 if weighted else 1
    spread = weight * math.sqrt((s**2 + sigma**2) * (1 / sigma**2 - 1 / (s**2 + sigma**2)))
    assert model.slope.grad is not None
    assert abs(float(model.slope.grad)) < 4 * spread / math.sqrt(n)


def test_the_anchor_of_one_dimension() -> None:
    """s = 1, sigma = 0.5: minimum 1.6, weighted 0.4, slope -0.8."""
    x = randn((400_000, 1), generator=seeded(2), dtype=torch.float64)
    losses = {
        weighted: float(
            DenoisingScoreMatching(0.5, of="score", weighted=weighted)(
                LinearScore(-0.8), {"x": x}, generator=seeded(3)
            ).total.detach()
        )
        for weighted in (False, True)
    }
    assert losses[False] == pytest.approx(1.6, abs=4 * 1.6 * math.sqrt(2 / 400_000))
    assert losses[True] == pytest.approx(losses[False] / 4)


def test_an_energy_is_differentiated_twice() -> None:
    x = randn((50, 2, 3), generator=seeded(0), dtype=torch.float64)
    by_score, by_energy = LinearScore(-0.3), LinearScore(-0.3)
    first = DenoisingScoreMatching(0.5, of="score")(by_score, {"x": x}, generator=seeded(1))
    second = DenoisingScoreMatching(0.5)(by_energy, {"x": x}, generator=seeded(1))
    torch.testing.assert_close(first.total, second.total)
    torch.testing.assert_close(first.parts["score_norm"], second.parts["score_norm"])
    torch.autograd.backward([first.total, second.total])
    torch.testing.assert_close(by_score.slope.grad, by_energy.slope.grad)


def test_loss_sums_over_dimensions_and_averages_over_the_batch() -> None:
    x = randn((4, 2, 5), generator=seeded(0), dtype=torch.float64)
    noise = randn((4, 2, 5), generator=seeded(1), dtype=torch.float64)
    loss = DenoisingScoreMatching(0.5, of="score")(LinearScore(-1.0), {"x": x}, generator=seeded(1))
    residual = -(x + 0.5 * noise) + noise / 0.5
    torch.testing.assert_close(loss.total, 0.5 * residual.square().sum() / 4)


def test_errors_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="positive noise level"):
        DenoisingScoreMatching(0.0)
    with pytest.raises(ValueError, match=r"a score maps \(B, \*D\) to \(B, \*D\): got \(4,\)"):
        DenoisingScoreMatching(0.5, of="score")(lambda x: x[:, 0], {"x": torch.zeros(4, 2)}, generator=seeded(0))
