"""Samples of classes against data of the same classes: how far they are, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_labels, ask_number, ask_pictures
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.evaluate.features.distances import LEAST
from gibbsweep.evaluate.features.network import FeatureKind, brief, feature_network, own
from gibbsweep.evaluate.samples.sample_distances import feature_distances
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleClasses

ROWS = 10
"""Classes shown in a picture, at most."""
COLUMNS = 8
"""Samples of a class in the picture."""


@dataclass(frozen=True)
class ClassDistances:
    """Distances between samples of classes and examples of the split, each sample of the class that its example has.

    Both have the same mix of classes, which a model that draws classes evenly has of a balanced set alone. Metrics:
    those of :class:`~gibbsweep.evaluate.samples.sample_distances.SampleDistances`, and ``class_accuracy``, the share of
    samples that the data set's own classifier takes for what was asked for. Picture ``samples``: a row for each of the
    first classes.

    Example::

        ClassDistances(n=5_000)(system, load("mnist").test, generator=seeded(0)).metrics["frechet_distance"]
    """

    n: int = 1000
    """Number of samples, at most as many as the split has examples."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    needs: ClassVar[type] = CanSampleClasses

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_number(self, split, self.n, LEAST)
        ask_pictures(self, split)

    def prepare(self, dataset: Dataset) -> str:
        return prepare_networks(dataset, self.features)

    def __call__(self, system: CanSampleClasses, split: Split, *, generator: torch.Generator) -> Evaluation:
        asked = classes_of(split, min(self.n, len(split)), generator.device)

        def draw(y: Tensor) -> Tensor:
            return system.sample_classes(y, generator=generator).x

        metrics = class_measures(draw_in_parts(draw, asked), asked, split, self.features)
        return Evaluation(metrics, {"samples": class_rows(draw, split, asked.device)})


def prepare_networks(dataset: Dataset, features: FeatureKind) -> str:
    """Make the networks of :func:`class_measures`, unless they exist already; return a phrase that says what they
    are."""
    names = dict.fromkeys(feature_network(dataset, kind).description for kind in (features, own(features)))
    return " and ".join(names)


def classes_of(split: Split, n: int, device: torch.device) -> Tensor:
    """The classes (n,) of the ``n`` examples that distances are taken to."""
    batch = split.batch(evenly_spread(len(split), n))
    if "y" not in batch:
        raise UserError(f"samples of classes need labels: '{split.dataset.name}' has none; choose a labelled data set.")
    return batch["y"].to(device)


def draw_in_parts(draw: Callable[[Tensor], Tensor], y: Tensor, batch_size: int = 250) -> Tensor:
    """Samples (n, *D) of the classes ``y`` (n,), drawn in parts that fit a processor's cache."""
    return torch.cat([draw(part) for part in torch.split(y, batch_size)])


def class_measures(x: Tensor, asked: Tensor, split: Split, features: FeatureKind) -> dict[str, float]:
    """Distances and class accuracy of samples ``x`` (n, *D) of the classes ``asked`` (n,)."""
    classifier = feature_network(split.dataset, own(features), x.device)
    _, log_p = classifier(x, binary=split.units == "binary")
    accuracy = float((log_p.argmax(dim=1) == asked).float().mean())
    return {**feature_distances(x, split, features), "class_accuracy": accuracy}


def class_rows(draw: Callable[[Tensor], Tensor], split: Split, device: torch.device) -> NDArray[np.uint8]:
    """A grid with a row for each of the first classes of ``split``, drawn anew."""
    rows = min(ROWS, len(split.dataset.classes))
    x = draw(torch.arange(rows, device=device).repeat_interleave(COLUMNS))
    return image_grid(x, columns=COLUMNS, binary=split.units == "binary")
