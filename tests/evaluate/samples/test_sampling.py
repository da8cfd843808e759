"""What a sample costs, its path, and numbers of steps."""

from __future__ import annotations

import numpy as np
import torch
from tests.evaluate.examples import Examples

from gibbsweep.evaluate import SamplingCost, SamplingPath, StepCounts
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.types import Samples, System, Trace

SHAPE = (1, 4, 4)


class Counting(System):
    """A sampler whose chains are the numbers of their steps."""

    def sample(self, n: int, *, generator: torch.Generator, trace: Trace | None = None) -> Samples:
        x = randn((n, *SHAPE), generator=generator)
        for step in range(1, 1001):
            if trace is not None:
                trace(step, x.new_full(x.shape, step / 1000))
        return Samples(x.new_full(x.shape, 1.0), nfe=1000)

    def sample_in(self, n: int, n_steps: int, *, generator: torch.Generator) -> Samples:
        return Samples(0.1 * randn((n, *SHAPE), generator=generator), nfe=n_steps)


def test_what_a_sample_costs_and_how_it_comes_about() -> None:
    cost = SamplingCost(n=5)(Counting(), Examples(torch.zeros(1, *SHAPE)), generator=seeded(0)).metrics
    assert cost["sampling_nfe"] == 1000 and cost["sampling_seconds"] > 0
    path = SamplingPath(n_chains=2, columns=5)(
        Counting(), Examples(torch.zeros(1, *SHAPE)), generator=seeded(0)
    ).images["sampling_path"]
    assert isinstance(path, np.ndarray)
    middles = path[6, 6::12][:5]  # a tile of 4 pixels and a gap of 2, twice as large
    assert middles.tolist() == sorted(middles.tolist()) and middles[-1] == 255
    gaps = np.diff(middles.astype(int))
    assert gaps.min() > 20 and gaps.max() < 45


def test_more_steps_start_at_the_same_noise() -> None:
    rows = StepCounts((2, 4), columns=3)(Counting(), Examples(torch.zeros(1, *SHAPE)), generator=seeded(0)).images[
        "step_counts"
    ]
    assert isinstance(rows, np.ndarray)
    assert np.array_equal(rows[4:12], rows[16:24])
