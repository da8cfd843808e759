"""Mixing of chains without memory, and of chains that remember."""

from __future__ import annotations

import math

import pytest
import torch
from tests.evaluate.examples import Examples
from tests.evaluate.machines import coins, machine, samples_of
from torch import Tensor

from gibbsweep.evaluate import ChainMixing
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Samples, System, Trace


def test_chains_without_memory_mix_at_once() -> None:
    system = machine(scale=0.0)
    evaluator = ChainMixing(n_steps=400, burn_in=1, n_chains=32, lag=5)
    metrics = evaluator(system, samples_of(system, 32), generator=seeded(0)).metrics
    n = 400 * 32
    assert abs(metrics["mixing_autocorrelation"]) < 4 / math.sqrt(n)
    # Geyer's sequence stops at the first pair of lags that is not positive: tau is 1 up to a few such pairs.
    assert metrics["mixing_time"] == pytest.approx(1.0, abs=20 / math.sqrt(n))


def test_chains_that_remember_mix_slowly() -> None:
    torch.manual_seed(0)
    system = machine(scale=4.0)
    metrics = ChainMixing(n_steps=400, burn_in=50, n_chains=32, lag=1)(system, coins(32), generator=seeded(0)).metrics
    assert metrics["mixing_autocorrelation"] > 0.3
    assert metrics["mixing_time"] > 2.0


def test_burn_in_is_dropped_and_the_rest_kept() -> None:
    class Counting(System):
        """A chain whose state is the number of the step, and its energy: lag 1 of 0, 1, 2, 3 is known."""

        def energy(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
            return x.flatten(1).sum(dim=1)

        def run_chain(
            self, x: Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None
        ) -> Samples:
            assert trace is not None
            for step in range(1, n_steps + 1):
                trace(step, torch.full((len(x), 1), float(step % 7)))
            return Samples(x, nfe=n_steps)

    evaluator = ChainMixing(n_steps=4, burn_in=7, n_chains=2, lag=1)
    metrics = evaluator(Counting(), Examples(torch.zeros(2, 1)), generator=seeded(0)).metrics
    assert metrics["mixing_autocorrelation"] == pytest.approx(0.25)  # of 1, 2, 3, 4
