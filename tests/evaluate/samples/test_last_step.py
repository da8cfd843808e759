"""The last step of a chain, on the same samples with and without."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.evaluate import LastStep
from gibbsweep_models.capabilities import CanLeaveOutLastStep
from gibbsweep_models.draws import randn_like, seeded
from gibbsweep_models.types import Samples, System


class Ends(System):
    """Chains that end at real examples plus noise, and are denoised to those."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x, self.seen = x, 0

    def sample_with_last_step(self, n: int, *, generator: torch.Generator) -> tuple[Samples, Samples]:
        x = self.x[self.seen : self.seen + n]
        self.seen += n
        return Samples(x + 0.5 * randn_like(x, generator=generator), 10), Samples(x, 11)


def test_the_gain_of_the_last_step_is_that_of_the_same_samples() -> None:
    split = load("digits").test
    x = split.batch(torch.linspace(0, len(split) - 1, 60).round().long())["x"]
    system = Ends(x)
    assert isinstance(system, CanLeaveOutLastStep)
    found = LastStep(60, batch_size=25, shown=4)(system, split, generator=seeded(0))
    metrics = found.metrics
    assert system.seen == 60 and metrics["distance_n_noisy"] == metrics["distance_n_denoised"] == 60
    assert metrics["frechet_distance_denoised"] == pytest.approx(0, abs=1e-3)  # the very examples it is compared with
    assert metrics["frechet_distance_noisy"] > 1
    assert metrics["last_step_gain"] == pytest.approx(
        metrics["frechet_distance_noisy"] - metrics["frechet_distance_denoised"]
    )
    picture = found.images["last_step"]
    assert isinstance(picture, np.ndarray) and picture.shape == (2 * (2 * 10 + 2), 2 * (4 * 10 + 2))
