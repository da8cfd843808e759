"""The class accuracy of samples: whether they show the class that was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.demands import ask_labels
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.evaluate.features.network import OwnClassifier, feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleClasses


@dataclass(frozen=True)
class ClassAccuracy:
    """The share of samples that the data set's own classifier takes for the class that was asked for.

    The classes are asked for in turn. Metrics: ``class_accuracy``; ``class_accuracy_n``, the number of samples;
    ``class_accuracy_real``, the accuracy of the classifier on as many examples of the split.

    Example::

        ClassAccuracy(n=1_000)(system, load("mnist").test, generator=seeded(0)).metrics["class_accuracy"]
    """

    n: int = 500
    """Number of samples."""
    batch_size: int = 100
    """Samples drawn at a time."""
    features: OwnClassifier = "classifier"
    """The classifier, whole or brief."""
    needs: ClassVar[type] = CanSampleClasses

    def briefly(self) -> Self:
        return replace(self, features="brief")

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, self.features).description

    def __call__(self, system: CanSampleClasses, split: Split, *, generator: torch.Generator) -> Evaluation:
        network = feature_network(split.dataset, self.features, generator.device)
        binary = split.units == "binary"
        n_classes = split.dataset.spec.n_classes
        assert n_classes is not None  # its classifier has been trained
        asked = torch.arange(self.n, device=generator.device) % n_classes
        parts = [system.sample_classes(y, generator=generator).x for y in torch.split(asked, self.batch_size)]
        _, log_p = network(torch.cat(parts), binary=binary)
        real = split.batch(evenly_spread(len(split), self.n))
        _, real_log_p = network(real["x"].to(generator.device), binary=binary)
        return Evaluation(
            {
                "class_accuracy": float((log_p.argmax(dim=1) == asked).float().mean()),
                "class_accuracy_n": float(self.n),
                "class_accuracy_real": float((real_log_p.argmax(dim=1).cpu() == real["y"]).float().mean()),
            }
        )
