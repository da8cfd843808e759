"""The weights of modes and the energy distance, on samples whose distribution is known."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ModeBalance
from gibbsweep.evaluate.samples.modes import energy_distance
from gibbsweep_models.draws import rand, randn, seeded
from gibbsweep_models.types import Samples


@dataclass
class Modes:
    """Samples of the two modes with a share of its own in the large one."""

    share: float

    def sample(self, n: int, *, generator: torch.Generator, trace: object = None) -> Samples:
        side = torch.where(rand((n, 1), generator=generator) < self.share, 0.5, -0.5)
        return Samples(side + 0.1 * randn((n, 2), generator=generator), nfe=7)


@pytest.mark.parametrize("share", [0.8, 0.5])
def test_shares_and_distance_of_known_samples(share: float) -> None:
    split = load("two_modes").test
    found = ModeBalance(picture=share == 0.5)(Modes(share), split, generator=seeded(0))
    deviation = (share * (1 - share) / 2000) ** 0.5
    assert found.metrics["share_large"] == pytest.approx(share, abs=4 * deviation)
    assert found.metrics["share_large"] + found.metrics["share_small"] == pytest.approx(1.0)
    truth = float((split.batch(slice(None))["y"] == 0).float().mean())
    assert found.metrics["share_error"] == pytest.approx(abs(truth - found.metrics["share_large"]), abs=2e-3)
    assert found.metrics["nfe"] == 7
    assert (abs(found.metrics["energy_distance"]) < 0.002) is (share == 0.8)
    assert ("scatter" in found.images) is (share == 0.5)


def test_the_energy_distance_of_two_points() -> None:
    """2 |a - b| between two point masses: each at no distance from itself."""
    a, b = torch.zeros(5, 1), torch.full((4, 1), 3.0)
    assert energy_distance(a, b) == pytest.approx(6.0)
    with pytest.raises(ValueError, match="not all finite"):
        energy_distance(a, b / 0)


def test_images_are_refused() -> None:
    with pytest.raises(UserError, match="labelled vectors"):
        ModeBalance()(Modes(0.5), load("digits").test, generator=seeded(0))
