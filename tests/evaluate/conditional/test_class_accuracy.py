"""Class accuracy of systems that obey and of systems that do not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gibbsweep.evaluate import ClassAccuracy
from gibbsweep_models.draws import seeded
from gibbsweep_models.types import Samples, System


def test_a_system_that_draws_the_digits_it_is_asked_for() -> None:
    from gibbsweep.data import load

    data = load("digits")
    shown = {
        int(y): data.train.batch(torch.tensor([i]))["x"][0]
        for i, y in enumerate(data.train.batch(torch.arange(99))["y"])
    }

    class Obedient(System):
        def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
            return Samples(torch.stack([shown[int(label)] for label in y]), nfe=1)

    class Deaf(System):
        def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
            return Samples(shown[3].expand(len(y), *shown[3].shape), nfe=1)

    measure = ClassAccuracy(n=20, batch_size=7)
    assert measure(Obedient(), data.test, generator=seeded(0)).metrics["class_accuracy"] == 1.0
    found = measure(Deaf(), data.test, generator=seeded(0)).metrics
    assert found["class_accuracy"] == pytest.approx(0.1)
    assert found["class_accuracy_real"] > 0.8 and found["class_accuracy_n"] == 20
