"""Samples of classes, and one model at many scales of guidance, on systems whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from gibbsweep.data import Dataset, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import ClassAccuracy, ClassDistances, GuidanceScales, SampleDistances
from gibbsweep.evaluate.conditional.guidance import draw_curve, interior_margin
from gibbsweep_models.draws import randint, randn, seeded
from gibbsweep_models.types import Samples, System

N = 120


class Librarian(System):
    """Gives training examples of the class that it is asked for, the more alike and the noisier the further its scale
    is from 1."""

    def __init__(self, data: Dataset) -> None:
        super().__init__()
        batch = data.train.batch(torch.arange(600))
        self.shelves = [batch["x"][batch["y"] == y] for y in range(10)]
        self.asked: list[Tensor] = []

    def sample_classes(self, y: Tensor, *, generator: torch.Generator) -> Samples:
        return self.sample_guided(y, 1.0, generator=generator)

    def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
        self.asked.append(y)
        picks = randint(40, (len(y),), generator=generator)
        noise = randn((len(y), *self.shelves[0].shape[1:]), generator=generator)
        x = torch.stack([self.shelves[label][pick] for label, pick in zip(y.tolist(), picks.tolist(), strict=True)])
        return Samples(x + abs(scale - 1) * noise, nfe=1)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load("digits")


def test_samples_have_the_classes_of_the_examples_that_they_are_compared_with(data: Dataset) -> None:
    system = Librarian(data)
    found = ClassDistances(N)(system, data.test, generator=seeded(0))
    real = data.test.batch(torch.linspace(0, len(data.test) - 1, N).round().long())["y"]
    assert torch.equal(system.asked[0], real)
    # Real digits of the classes asked for: the distance of two parts of the data, and the classifier's own accuracy.
    assert found.metrics["class_accuracy"] > 0.95 and found.metrics["distance_n"] == N
    assert set(found.images) == {"samples"}


def test_the_least_distance_is_found_chosen_and_marked(data: Dataset) -> None:
    measure = GuidanceScales((0.0, 1.0, 2.0), N)
    found = measure(Librarian(data), data.test, generator=seeded(0))
    metrics = found.metrics
    curve = [metrics[f"frechet_distance_at_{scale}"] for scale in (0, 1, 2)]
    assert curve[1] < min(curve[0], curve[2])
    assert metrics["guidance_scale"] == 1.0
    assert metrics["interior_margin"] == pytest.approx(min(curve[0], curve[2]) / curve[1] - 1)
    assert metrics["class_accuracy_at_1"] > metrics["class_accuracy_at_2"]
    # Fresh noise at the chosen scale: near the number of the curve, and not it.
    assert metrics["frechet_distance"] != curve[1]
    assert metrics["frechet_distance"] < min(curve[0], curve[2])
    assert set(found.images) == {"guidance_curve", "guidance_grid", "samples"}
    again = measure(Librarian(data), data.test, generator=seeded(0))
    assert again.metrics == metrics


def test_a_row_of_the_grid_is_one_noise_at_every_scale(data: Dataset) -> None:
    class Scaled(Librarian):
        def sample_guided(self, y: Tensor, scale: float, *, generator: torch.Generator) -> Samples:
            return Samples(0.05 * scale * randn((len(y), 1, 8, 8), generator=generator), nfe=1)

    grid = GuidanceScales((1.0, 2.0, 4.0), N)(Scaled(data), data.test, generator=seeded(0)).images["guidance_grid"]
    assert isinstance(grid, np.ndarray)
    one, two = (grid[4:20, left : left + 16].astype(float) - 127.5 for left in (4, 24))
    assert np.abs(two - 2 * one).max() <= 2  # rounding to bytes


def test_validation_alone_is_read_while_searching(data: Dataset) -> None:
    found = GuidanceScales((0.0, 1.0, 2.0), N, metrics_only=True)(Librarian(data), data.validation, generator=seeded(0))
    assert found.metrics["guidance_scale"] == 1.0 and not found.images


def test_what_is_shared_with_the_measures_of_no_class() -> None:
    names = set(SampleDistances.__dataclass_fields__) - {"batch_size"}
    assert names == set(ClassDistances.__dataclass_fields__)
    assert ClassDistances().needs is ClassAccuracy().needs


def test_the_margin_is_of_the_lower_end() -> None:
    assert interior_margin([3.0, 2.0, 4.0]) == pytest.approx(0.5)
    assert interior_margin([1.0, 2.0, 4.0]) == pytest.approx(-0.5)
    curve = {s: {"frechet_distance": abs(s - 1) + 1, "class_accuracy": s / 4, "recall": 1 - s / 4} for s in (0, 1, 4)}
    (ring,) = [line for line in draw_curve(curve, 1).axes[0].lines if line.get_marker() == "o"]
    assert np.asarray(ring.get_xdata()).item() == 1
    for scales in ((0.0, 1.0), (0.0, 2.0, 1.0), (0.0, 1.0, 1.0)):
        with pytest.raises(UserError, match="ascending"):
            GuidanceScales(scales)
