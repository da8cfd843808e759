"""The error of a score on a line, by quadrature."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ScoreError
from gibbsweep.evaluate.scores.score_error import quadrature
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.denoisers.densities import density_of


@dataclass
class Shrunk:
    """The true score of N(0, 1) times a factor, and a loss 10 % above the least."""

    factor: float

    def score(self, x: Tensor, sigma: float) -> Tensor:
        return -self.factor * x / (1 + sigma**2)

    def minimum(self, sigma: float, fisher: float) -> tuple[float, float]:
        assert fisher == pytest.approx(1 / (1 + sigma**2), rel=1e-3)
        return 1.1 * fisher, fisher


def test_errors_of_a_known_score() -> None:
    found = ScoreError((0.5, 2.0), picture=True)(Shrunk(0.9), load("normal1d").test, generator=seeded(0))
    for sigma in ("0.5", "2"):
        assert found.metrics[f"score_error_{sigma}"] == pytest.approx(0.01)
        assert found.metrics[f"slope_error_{sigma}"] == pytest.approx(0.1)
        assert found.metrics[f"minimum_error_{sigma}"] == pytest.approx(0.1)
    assert found.metrics["slope_error_worst"] == pytest.approx(0.1)
    assert found.metrics["slope_2"] == pytest.approx(-0.18)
    assert found.metrics["score_error"] == pytest.approx(0.01)
    assert found.images["scores"].ndim == 3


def test_quadrature_has_the_moments_of_the_blurred_density() -> None:
    x, weight = quadrature(density_of("gauss1d").double(), 0.3)
    assert float(weight.sum()) == pytest.approx(1)
    assert float(weight @ x[:, 0]) == pytest.approx(0, abs=1e-6)
    assert float(weight @ x[:, 0].square()) == pytest.approx(0.25 + 0.025 + 0.09, rel=1e-6)


def test_other_data_is_refused() -> None:
    with pytest.raises(UserError, match="true score of 'digits'"):
        ScoreError()(Shrunk(1.0), load("digits").test, generator=seeded(0))
