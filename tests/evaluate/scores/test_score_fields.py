"""Pictures of the score at every level, of a system that knows it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ScoreFields
from gibbsweep_models.capabilities import DenoisesLevels
from gibbsweep_models.draws import seeded
from gibbsweep_models.nn.denoisers.mixture import GaussianMixture
from gibbsweep_models.types import System


class Exact(System):
    """The denoiser of known data, at the levels 4 to .1."""

    def __init__(self, means: Tensor, levels: int = 30) -> None:
        super().__init__()
        self.denoiser, self.levels = GaussianMixture(means), levels

    def noise_levels(self) -> Tensor:
        return torch.logspace(np.log10(4.0), -1, self.levels)

    def denoise(self, x: Tensor, sigma: Tensor | None, *, generator: torch.Generator) -> Tensor:
        assert sigma is not None
        denoised: Tensor = self.denoiser(x, sigma)
        return denoised


def test_score_fields_of_pictures() -> None:
    split = load("digits").test
    x = split.batch(torch.arange(2))["x"]
    system = Exact(x[:1])
    assert isinstance(system, DenoisesLevels)
    found = ScoreFields(levels=3, examples=1)(system, split, generator=seeded(0))
    assert found.metrics == {
        "n_noise_levels": 30.0,
        "sigma_highest": pytest.approx(4.0),
        "sigma_lowest": pytest.approx(0.1),
    }
    picture = found.images["score_fields"]
    assert isinstance(picture, np.ndarray) and picture.shape == (2 * (3 * 10 + 2), 2 * (3 * 10 + 2))
    # The one example that the mixture knows is what is left at every level: the third row's three tiles are equal.
    tiles = [picture[44:60, left : left + 16] for left in (4, 24, 44)]
    assert np.array_equal(tiles[0], tiles[1]) and np.array_equal(tiles[0], tiles[2])
    assert not np.array_equal(picture[4:20, 4:20], picture[4:20, 44:60])


def test_score_fields_of_points_in_the_plane() -> None:
    split = load("two_modes").test
    found = ScoreFields(levels=6)(Exact(split.batch(torch.arange(50))["x"]), split, generator=seeded(0))
    picture = found.images["score_fields"]
    assert isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.std() > 10
    few = ScoreFields()(Exact(split.batch(torch.arange(50))["x"], levels=2), split, generator=seeded(0))
    assert few.metrics["n_noise_levels"] == 2
    with pytest.raises(UserError, match="images and points in the plane"):
        line = load("gauss1d").test
        ScoreFields()(Exact(line.batch(torch.arange(5))["x"]), line, generator=seeded(0))
