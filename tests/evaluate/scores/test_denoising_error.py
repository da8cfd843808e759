"""Denoising errors of linear denoisers."""

from __future__ import annotations

import pytest
import torch
from tests.evaluate.examples import Examples
from torch import Tensor

from gibbsweep.evaluate import DenoisingError
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.types import System

SHAPE = (1, 4, 4)


class Scaling(System):
    """Denoises by a factor."""

    def __init__(self, factor: float = 0.0) -> None:
        super().__init__()
        self.factor = factor

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        return self.factor * x


def test_the_best_linear_denoiser_of_unrelated_pixels_has_error_one() -> None:
    """s² / (s² + sigma²) x; no denoising leaves the error 1 + (sigma / s)², nothing at all 1 + (s / sigma)²."""
    x = 0.5 * randn((2000, *SHAPE), generator=seeded(0))
    measure = DenoisingError((0.5,), limit=None)
    error = {
        k: measure(Scaling(k), Examples(x), generator=seeded(1)).metrics["denoising_error_0.5"] for k in (0, 0.5, 1)
    }
    assert error[0.5] == pytest.approx(1, abs=0.02)
    assert error[0] == pytest.approx(2, abs=0.04) and error[1] == pytest.approx(2, abs=0.04)
    two = DenoisingError((0.25, 0.5), average="own")(Scaling(1), Examples(x), generator=seeded(1))
    assert two.metrics["denoising_error_own"] == pytest.approx(
        (two.metrics["denoising_error_0.25"] + two.metrics["denoising_error_0.5"]) / 2
    )
    assert two.metrics["denoising_mse_0.25"] == pytest.approx(0.0625, rel=0.05)
    assert "denoising_error_mean" not in two.metrics and set(two.images) == {"denoised_levels"}
