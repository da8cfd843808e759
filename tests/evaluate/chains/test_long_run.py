"""Long runs of a chain that adds noise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.evaluate.data_itself import DataItself

from gibbsweep.data import load
from gibbsweep.evaluate import LongRun, evaluate_all
from gibbsweep_models.draws import randn_like
from gibbsweep_models.types import Samples, Trace


class Chain(DataItself):
    """Samples are training examples, and every step of the chain adds noise: the longer, the worse."""

    def energy(self, x: torch.Tensor, cond: torch.Tensor | None = None) -> torch.Tensor:
        return x.flatten(1).square().sum(1)

    def run_chain(
        self, x: torch.Tensor, n_steps: int, *, generator: torch.Generator, trace: Trace | None = None
    ) -> Samples:
        return Samples(x + n_steps**0.5 * 0.1 * randn_like(x, generator=generator), nfe=n_steps)


def test_a_long_run_is_measured_against_its_start(cache: Path) -> None:
    dataset = load("digits")
    system = Chain(dataset.train.batch(slice(None))["x"])
    evaluation = evaluate_all((LongRun(100, 60),), system, dataset.validation, prefix="v", seed=0, step=1)
    metrics = evaluation.metrics
    assert metrics["v/long_run_n"] == 60
    # 100 steps of variance .01 on 64 pixels.
    deviation = system.energy(dataset.validation.batch(torch.arange(60))["x"]).std()
    assert metrics["v/long_run_energy_drift"] == pytest.approx(float(64 / deviation), rel=0.3)
    assert metrics["v/long_run_kernel_distance_drift"] > 0
    assert metrics["v/long_run_frechet_distance_drift"] > 0
    still = evaluate_all((LongRun(1, 60),), system, dataset.validation, prefix="v", seed=0, step=1)
    assert still.metrics["v/long_run_kernel_distance_drift"] < 0.2 * metrics["v/long_run_kernel_distance_drift"]
    assert evaluation.images["v/long_run"].shape[1] > evaluation.images["v/long_run"].shape[0] * 0.5
