"""Distances between samples and data, in the features of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.demands import ask_number
from gibbsweep.evaluate.drawing.grids import are_images, image_grid
from gibbsweep.evaluate.examples import examples_of
from gibbsweep.evaluate.features.distances import (
    LEAST,
    class_inception_score,
    frechet_distance,
    kernel_distance,
    manifolds,
)
from gibbsweep.evaluate.features.network import FeatureKind, brief, feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasReplay


@dataclass(frozen=True)
class SampleDistances:
    """Distances between ``n`` samples from noise and as many examples of the split.

    Metrics: ``frechet_distance``, ``kernel_distance``, ``class_inception_score``, ``precision``, ``recall``,
    ``density``, ``coverage``, and ``distance_n``, the number of samples.

    Example::

        data = load("mnist")
        evaluation = SampleDistances(n=5_000)(system, data.test, generator=seeded(0))
        evaluation.metrics["frechet_distance"]
    """

    n: int = 2000
    """Number of samples, and of examples. A split with fewer examples is compared with as few samples."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    batch_size: int = 250
    """Samples drawn at a time."""
    needs: ClassVar[type] = CanSample

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    def check_split(self, split: Split) -> None:
        ask_number(self, split, self.n, LEAST)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        # In parts: a chain of thousands of images does not fit a processor's cache.
        parts = [
            system.sample(min(self.batch_size, n - done), generator=generator).x
            for done in range(0, n, self.batch_size)
        ]
        return Evaluation(feature_distances(torch.cat(parts), split, self.features))


@dataclass(frozen=True)
class ReplayDistances:
    """Distances between samples from the replay buffer and as many examples of the split.

    Training has kept the chains of the buffer running: they show what an energy knows, while :class:`SampleDistances`
    asks what a chain from noise finds of it. Metrics: those of :class:`SampleDistances` with the suffix ``_buffer``.
    Picture ``buffer``: images of the buffer.

    Example::

        ReplayDistances(n=1_000)(system, load("mnist").test, generator=seeded(0)).metrics["frechet_distance_buffer"]
    """

    n: int = 2000
    """Number of samples. A buffer that holds fewer gives fewer: ``distance_n_buffer`` says how many."""
    features: FeatureKind = "classifier"
    """The network in whose features distances are taken."""
    columns: int = 8
    """Columns of the picture."""
    shown: int = 64
    """Images in the picture."""
    needs: ClassVar[type] = HasReplay

    def briefly(self) -> Self:
        return replace(self, features=brief(self.features))

    def check_split(self, split: Split) -> None:
        ask_number(self, split, self.n, LEAST)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: HasReplay, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = system.replayed(min(self.n, len(split)), generator=generator)
        metrics = {f"{name}_buffer": value for name, value in feature_distances(x, split, self.features).items()}
        images = {}
        if are_images(x):
            images["buffer"] = image_grid(x[: self.shown], columns=self.columns, binary=split.units == "binary")
        return Evaluation(metrics, images)


def feature_distances(x: Tensor, split: Split, features: FeatureKind) -> dict[str, float]:
    """All distances between samples ``x`` (n, *D), in the split's units, and n evenly spread examples of ``split``."""
    network = feature_network(split.dataset, features, x.device)
    binary = split.units == "binary"
    real, _ = network(examples_of(split, len(x), x.device), binary=binary)
    fake, log_probabilities = network(x, binary=binary)
    return {
        "frechet_distance": frechet_distance(real, fake),
        "kernel_distance": kernel_distance(real, fake),
        "class_inception_score": class_inception_score(log_probabilities),
        **vars(manifolds(real, fake)),
        "distance_n": float(len(x)),
    }
