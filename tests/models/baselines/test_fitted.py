"""What a fitted baseline needs of its data, as a sentence and not as its library's error."""

from __future__ import annotations

import pytest
import torch

from gibbsweep_models.baselines.logistic_regression import LogisticRegressionConfig
from gibbsweep_models.baselines.pixels import PCAConfig
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.types import DataSpec

X = randn((5, 1, 3, 2), generator=seeded(0))


def test_components_need_as_many_examples() -> None:
    system = PCAConfig(n_components=6).build(DataSpec((1, 3, 2)))
    with pytest.raises(ValueError, match=r"got 5 examples.*choose n_components of 5 or less"):
        system.fit({"x": X}, generator=seeded(0))


def test_a_classifier_needs_two_classes() -> None:
    system = LogisticRegressionConfig().build(DataSpec((1, 3, 2), n_classes=1))
    with pytest.raises(ValueError, match="got examples of one class"):
        system.fit({"x": X, "y": torch.zeros(5, dtype=torch.int64)}, generator=seeded(0))
