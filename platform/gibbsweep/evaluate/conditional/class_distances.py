"""Samples of classes against data of the same classes: how far they are, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.features.network import Features, feature_network
from gibbsweep.evaluate.samples.sample_distances import distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleClasses

ROWS, COLUMNS = 10, 8
"""Classes shown, and samples of each."""


@dataclass(frozen=True)
class ClassDistances:
    """``n`` samples against as many examples of the split, or all of them where it has fewer, each sample of the class that its example
    has: both have the same mix of classes, which a model that draws classes evenly has of a balanced set alone.

    The numbers of :class:`~gibbsweep.evaluate.samples.sample_distances.SampleDistances`, and ``class_accuracy``: the share that the data set's own
    classifier takes for what was asked for. ``samples``: a row for each of the first classes.
    """

    n: int = 1000
    features: Features = "classifier"
    needs: ClassVar[type] = CanSampleClasses

    def prepare(self, dataset: Dataset) -> str:
        return prepared(dataset, self.features)

    def __call__(self, system: CanSampleClasses, split: Split, *, generator: torch.Generator) -> Evaluation:
        asked = classes_of(split, min(self.n, len(split)), generator.device)

        def draw(y: Tensor) -> Tensor:
            return system.sample_classes(y, generator=generator).x

        x = drawn(draw, asked)
        return Evaluation(measured(x, asked, split, self.features), {"samples": class_rows(draw, split, asked.device)})


def prepared(dataset: Dataset, features: Features) -> str:
    """The networks of both measures, made unless they are there; a phrase that says what they are."""
    names = dict.fromkeys(feature_network(dataset, kind).description for kind in (features, "classifier"))
    return " and ".join(names)


def classes_of(split: Split, n: int, device: torch.device) -> Tensor:
    """The classes (n,) of the ``n`` examples that distances are taken to."""
    batch = split.batch(torch.linspace(0, len(split) - 1, n).round().long())
    if "y" not in batch:
        raise UserError(f"samples of classes need labels: '{split.dataset.name}' has none; choose a labelled data set.")
    return batch["y"].to(device)


def drawn(draw: Callable[[Tensor], Tensor], y: Tensor, batch_size: int = 250) -> Tensor:
    """Samples (n, *D) of the classes ``y`` (n,), in parts that fit a processor's cache."""
    return torch.cat([draw(part) for part in torch.split(y, batch_size)])


def measured(x: Tensor, asked: Tensor, split: Split, features: Features) -> dict[str, float]:
    """Of samples ``x`` (n, *D) of the classes ``asked`` (n,)."""
    classifier = feature_network(split.dataset, "classifier", x.device)
    _, taken = classifier(x, binary=split.units == "binary")
    accuracy = float((taken.argmax(dim=1) == asked).float().mean())
    return {**distances(x, split, features), "class_accuracy": accuracy}


def class_rows(draw: Callable[[Tensor], Tensor], split: Split, device: torch.device) -> NDArray[np.uint8]:
    """A grid with a row for each of the first classes of ``split``, drawn anew."""
    rows = min(ROWS, len(split.dataset.classes))
    x = draw(torch.arange(rows, device=device).repeat_interleave(COLUMNS))
    return image_grid(x, columns=COLUMNS, binary=split.units == "binary")
