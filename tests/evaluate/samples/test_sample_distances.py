"""Distances of data and of noise to data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.evaluate.data_itself import DataItself
from tests.evaluate.examples import Examples

from gibbsweep.data import load
from gibbsweep.evaluate import ClassAccuracy, ReplayDistances, SampleDistances, evaluate_all
from gibbsweep.study import references
from gibbsweep.train import Composed, fit
from gibbsweep_models.draws import seeded


@pytest.mark.parametrize("units", ["signed", "binary"])
def test_data_are_close_to_data_and_noise_is_far(cache: Path, units: str) -> None:
    dataset = load("digits", units=units)  # type: ignore[arg-type]
    system = DataItself(dataset.train.batch(slice(None))["x"])
    evaluators = (SampleDistances(n=120, batch_size=50), ReplayDistances(n=120))
    metrics = evaluate_all(evaluators, system, dataset.validation, prefix="validation", seed=0, step=1).metrics
    assert metrics["validation/distance_n"] == 120
    assert metrics["validation/frechet_distance"] < 0.1 * metrics["validation/frechet_distance_buffer"]
    assert abs(metrics["validation/kernel_distance"]) < 0.1 * metrics["validation/kernel_distance_buffer"]
    assert metrics["validation/precision"] > 0.7
    assert metrics["validation/coverage"] > 0.7
    assert metrics["validation/coverage_buffer"] < 0.5 * metrics["validation/coverage"]
    assert metrics["validation/class_inception_score"] > metrics["validation/class_inception_score_buffer"]


def test_the_references_are_the_floor_and_the_ceiling(cache: Path, tmp_path: Path) -> None:
    """Training examples and noise of the data's moments, by the evaluators of every other system."""
    dataset = load("digits", units="signed")
    found = {}
    for name, contender in references().items():
        system = contender.config.build(dataset.spec)
        fit(system, dataset.train, report=Composed(), run_dir=tmp_path / name, seed=0)
        evaluators = (SampleDistances(n=150), ClassAccuracy(n=100))
        found[name] = evaluate_all(evaluators, system, dataset.validation, prefix="v", seed=0, step=1).metrics
    data, noise = found["training_data"], found["noise"]
    assert data["v/frechet_distance"] < 0.2 * noise["v/frechet_distance"]
    assert data["v/coverage"] > 0.8 and noise["v/coverage"] < 0.5 * data["v/coverage"]
    assert data["v/density"] == pytest.approx(1.0, abs=0.3)
    assert data["v/class_accuracy"] > 0.9 and noise["v/class_accuracy"] < 0.4


def test_a_small_split_gives_the_number_of_samples(cache: Path) -> None:
    dataset = load("digits", limit=40)
    system = DataItself(dataset.train.batch(slice(None))["x"])
    metrics = evaluate_all((SampleDistances(n=2000),), system, dataset.validation, prefix="v", seed=0, step=1).metrics
    assert metrics["v/distance_n"] == 40


def test_what_stands_alone_cannot_be_measured() -> None:
    with pytest.raises(AttributeError):
        SampleDistances(n=2)(
            DataItself(torch.zeros(3, 1, 8, 8)), Examples(torch.zeros(3, 1, 8, 8)), generator=seeded(0)
        )  # type: ignore[arg-type]
