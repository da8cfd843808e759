"""The accuracy of a classifier that learns from samples: that of data if they are data, chance if they are noise."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep.data import load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import SyntheticAccuracy
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.types import Samples, System

MEASURE = SyntheticAccuracy(n=400, updates=60, limit=300)


class Chosen(System):
    """Samples are training examples of the class asked for, ``turned`` classes on; of each the first ``kept``."""

    def __init__(self, turned: int = 0, kept: int | None = None) -> None:
        super().__init__()
        batch = load("digits").train.batch(torch.arange(1_000))
        self.of_class = [batch["x"][batch["y"] == (k + turned) % 10][:kept] for k in range(10)]

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        places = torch.randint(10**6, (len(y),), generator=generator).tolist()
        rows = [self.of_class[int(k)][place % len(self.of_class[int(k)])] for k, place in zip(y, places, strict=True)]
        return Samples(torch.stack(rows), nfe=1)


class Noise(System):
    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        return Samples(randn((len(y), *load("digits").spec.shape), generator=generator), nfe=1)


def measured(system: System, measure: SyntheticAccuracy = MEASURE) -> dict[str, float]:
    return measure(system, load("digits").test, generator=seeded(0)).metrics  # type: ignore[arg-type]


def test_data_as_samples_teach_what_data_teach() -> None:
    found = measured(Chosen())
    assert found["synthetic_accuracy"] > 0.85 and found["synthetic_accuracy_real"] > 0.85
    assert found["synthetic_accuracy"] == pytest.approx(found["synthetic_accuracy_real"], abs=0.06)
    assert found["synthetic_accuracy_n"] == 400


def test_what_is_wrong_with_samples_costs_accuracy() -> None:
    """Wrong classes leave next to none, noise leaves chance, and one example a class does not teach the class."""
    assert measured(Chosen(turned=1))["synthetic_accuracy"] < 0.1
    assert measured(Noise())["synthetic_accuracy"] < 0.35
    assert measured(Chosen(kept=1))["synthetic_accuracy"] < measured(Chosen())["synthetic_accuracy"] - 0.1


def test_it_leaves_the_global_generator_and_takes_few_updates_briefly() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with torch.no_grad():
        measured(Chosen(), MEASURE.briefly())
    assert torch.equal(torch.rand(1), expected)
    assert MEASURE.briefly().updates < MEASURE.updates


def test_refusals() -> None:
    with pytest.raises(UserError, match="learns from samples"):
        SyntheticAccuracy(n=1)
