"""Samples against data, in the features of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.drawing.grids import image_grid
from gibbsweep.evaluate.examples import first_examples
from gibbsweep.evaluate.features.distances import class_inception_score, frechet_distance, kernel_distance, manifolds
from gibbsweep.evaluate.features.network import Features, feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSample, HasReplay


@dataclass(frozen=True)
class SampleDistances:
    """``n`` samples from noise against as many examples of the split, or against all of them where it has fewer (then there are
    as few samples): ``distance_n`` says how many.

    ``frechet_distance``, ``kernel_distance``, ``class_inception_score``, ``precision``, ``recall``, ``density``, ``coverage``;
    all in the features of ``features``.
    """

    n: int = 2000
    features: Features = "classifier"
    batch_size: int = 250
    needs: ClassVar[type] = CanSample

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanSample, split: Split, *, generator: torch.Generator) -> Evaluation:
        n = min(self.n, len(split))
        # In parts: a chain of thousands of images does not fit a processor's cache.
        parts = [
            system.sample(min(self.batch_size, n - done), generator=generator).x
            for done in range(0, n, self.batch_size)
        ]
        return Evaluation(distances(torch.cat(parts), split, self.features))


@dataclass(frozen=True)
class ReplayDistances:
    """The same numbers, with the suffix ``_buffer``, for samples from the replay buffer, where training has kept chains running:
    what an energy knows, while :class:`SampleDistances` asks what a chain from noise finds of it. A buffer that holds fewer than
    ``n`` gives fewer: ``distance_n_buffer`` says how many."""

    n: int = 2000
    features: Features = "classifier"
    columns: int = 8
    shown: int = 64
    needs: ClassVar[type] = HasReplay

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: HasReplay, split: Split, *, generator: torch.Generator) -> Evaluation:
        x = system.replayed(min(self.n, len(split)), generator=generator)
        metrics = {f"{name}_buffer": value for name, value in distances(x, split, self.features).items()}
        images = {}
        if x.ndim == 4 and x.shape[1] in (1, 3):
            images["buffer"] = image_grid(x[: self.shown], columns=self.columns, binary=split.units == "binary")
        return Evaluation(metrics, images)


def distances(x: Tensor, split: Split, features: Features) -> dict[str, float]:
    """All distances between samples ``x`` (n, *D), in the split's units, and the first n examples of ``split``."""
    network = feature_network(split.dataset, features, x.device)
    binary = split.units == "binary"
    real, _ = network(first_examples(split, len(x), x.device), binary=binary)
    fake, log_probabilities = network(x, binary=binary)
    return {
        "frechet_distance": frechet_distance(real, fake),
        "kernel_distance": kernel_distance(real, fake),
        "class_inception_score": class_inception_score(log_probabilities),
        **vars(manifolds(real, fake)),
        "distance_n": float(len(x)),
    }
