"""Whether samples show the class that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from gibbsweep.data import Dataset, Split
from gibbsweep.evaluate.features.network import feature_network
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import CanSampleClasses


@dataclass(frozen=True)
class ClassAccuracy:
    """``n`` samples of classes that are asked for in turn: ``class_accuracy``, the share that the data set's own classifier takes for
    what was asked for; ``class_accuracy_n``, how many; ``class_accuracy_real``, its accuracy on as many examples of the split."""

    n: int = 500
    batch_size: int = 100
    needs: ClassVar[type] = CanSampleClasses

    def prepare(self, dataset: Dataset) -> str:
        return feature_network(dataset, "classifier").description

    def __call__(self, system: CanSampleClasses, split: Split, *, generator: torch.Generator) -> Evaluation:
        network = feature_network(split.dataset, "classifier", generator.device)
        binary = split.units == "binary"
        n_classes = split.dataset.spec.n_classes
        assert n_classes is not None  # its classifier has been trained
        asked = torch.arange(self.n, device=generator.device) % n_classes
        parts = [system.sample_classes(y, generator=generator).x for y in torch.split(asked, self.batch_size)]
        _, taken = network(torch.cat(parts), binary=binary)
        real = split.batch(torch.linspace(0, len(split) - 1, min(self.n, len(split))).round().long())
        _, of_real = network(real["x"].to(generator.device), binary=binary)
        return Evaluation(
            {
                "class_accuracy": float((taken.argmax(dim=1) == asked).float().mean()),
                "class_accuracy_n": float(self.n),
                "class_accuracy_real": float((of_real.argmax(dim=1).cpu() == real["y"]).float().mean()),
            }
        )
