"""The convolutional classifier over one, two and three axes."""

from __future__ import annotations

import math

import pytest
import torch

from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig
from gibbsweep_models.draws import randn, seeded
from gibbsweep_models.nn.encoders.classifier import ConvClassifier
from gibbsweep_models.objectives.classification.cross_entropy import CrossEntropy
from gibbsweep_models.types import DataSpec

SHAPES = [(1, 8000), (1, 28, 28), (3, 32, 32), (1, 8, 8), (1, 9, 20), (1, 16, 16, 16)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_logits_and_features(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = ConvClassifier(shape, 10, (4, 8), n_features=12)
    x = randn((3, *shape), generator=seeded(0))
    assert network(x).shape == (3, 10)
    assert network.features(x).shape == (3, 12)
    torch.testing.assert_close(network.readout(network.features(x)), network(x))
    torch.testing.assert_close(network(x)[1:2], network(x[1:2]))  # no example sees another
    assert network.hidden.in_features <= 8 * 7 ** (len(shape) - 1)


def test_mistakes_are_named() -> None:
    for arguments in (((5,), 10), ((1, 8, 8), 1), ((1, 8, 8), 10, ())):
        with pytest.raises(ValueError, match="expected"):
            ConvClassifier(*arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="got x"):
        ConvClassifier((1, 8, 8), 10)(torch.zeros(2, 1, 9, 8))
    with pytest.raises(ValueError, match="needs labels"):
        FeatureClassifierConfig().build(DataSpec((1, 8, 8)))


class Constant:
    """Logits that say the same of every example."""

    def __init__(self, logits: torch.Tensor) -> None:
        self._logits = logits

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return self._logits.expand(len(x), -1)


def test_cross_entropy_of_known_logits() -> None:
    batch = {"x": torch.zeros(4, 1), "y": torch.tensor([0, 0, 1, 2])}
    even = CrossEntropy()(Constant(torch.zeros(3)), batch, generator=seeded(0))
    assert float(even.total) == pytest.approx(math.log(3))
    sure = CrossEntropy()(Constant(torch.tensor([math.log(2.0), 0.0, 0.0])), batch, generator=seeded(0))
    assert float(sure.total) == pytest.approx(-(2 * math.log(0.5) + 2 * math.log(0.25)) / 4)
    assert float(sure.parts["accuracy"]) == 0.5
