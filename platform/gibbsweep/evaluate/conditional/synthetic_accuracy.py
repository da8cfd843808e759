"""How well a classifier that saw samples alone knows real examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Tensor

from gibbsweep.data import Split
from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_labels
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.train import Evaluation
from gibbsweep_models import parallel
from gibbsweep_models.baselines.feature_classifier import FeatureClassifierConfig, FeatureClassifierSystem
from gibbsweep_models.capabilities import CanSampleClasses
from gibbsweep_models.draws import randint
from gibbsweep_models.types import DataSpec

_BATCH = 64
_BRIEF_UPDATES = 10
_TESTED_AT_ONCE = 500


@dataclass(frozen=True)
class SyntheticAccuracy:
    """The accuracy on real examples of a classifier that is trained on samples alone (Ravuri & Vinyals,
    "Classification Accuracy Score for Conditional Generative Models", 2019). Samples that show the wrong class, look
    unlike data or lack variety all cost some of it.

    Metrics: ``synthetic_accuracy``; ``synthetic_accuracy_n``, the number of samples, as many of each class;
    ``synthetic_accuracy_real``, the accuracy of the same classifier, trained in the same way on as many training
    examples.

    Example::

        SyntheticAccuracy(n=2_000)(system, load("mnist").test, generator=seeded(0)).metrics["synthetic_accuracy"]
    """

    n: int = 2_000
    """Number of samples."""
    updates: int = 300
    """Updates of the classifier's training, in batches of 64."""
    batch_size: int = 250
    """Samples drawn at a time."""
    limit: int | None = 2_000
    """Number of examples of the split that it is tested on, at most, evenly spread; None for all."""
    needs: ClassVar[type] = CanSampleClasses

    def __post_init__(self) -> None:
        if self.n < 2 or self.updates < 1:
            raise UserError(
                f"a classifier learns from samples: got n={self.n} and updates={self.updates}, expected two samples "
                "and one update at least; correct the one that is not."
            )

    def briefly(self) -> Self:
        return replace(self, updates=min(self.updates, _BRIEF_UPDATES))

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_labels(self, split.dataset.train)

    def __call__(self, system: CanSampleClasses, split: Split, *, generator: torch.Generator) -> Evaluation:
        device = generator.device
        spec = replace(split.dataset.spec, units="signed")
        assert spec.n_classes is not None  # check_split
        asked = torch.arange(self.n, device=device) % spec.n_classes
        made = [system.sample_classes(y, generator=generator).x for y in torch.split(asked, self.batch_size)]
        real = split.dataset.train.batch(evenly_spread(len(split.dataset.train), self.n))
        binary = split.units == "binary"
        of_samples = self._trained(spec, _signed(torch.cat(made), binary), asked, generator)
        of_examples = self._trained(spec, _signed(real["x"].to(device), binary), real["y"].to(device), generator)
        return Evaluation(
            {
                "synthetic_accuracy": self._accuracy(of_samples, split, device),
                "synthetic_accuracy_n": float(self.n),
                "synthetic_accuracy_real": self._accuracy(of_examples, split, device),
            }
        )

    def _trained(self, spec: DataSpec, x: Tensor, y: Tensor, generator: torch.Generator) -> FeatureClassifierSystem:
        """A classifier after ``updates`` on ``x`` (N, *D) and ``y`` (N,)."""
        # The global generator draws first weights: it is left as it was. A trial evaluates without gradients, and
        # while its other workers wait.
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), parallel.alone():
            torch.manual_seed(0)
            classifier = FeatureClassifierConfig(warmup=min(50, self.updates // 4)).build(spec).to(x.device)
            (phase,) = classifier.phases()
            optimizer = phase.optimizer.build(phase.parameters)
            for step in range(self.updates):
                for group in optimizer.param_groups:
                    group["lr"] = phase.learning_rate_at(step, self.updates)
                places = randint(len(x), (min(_BATCH, len(x)),), generator=generator)
                optimizer.zero_grad()
                phase.objective(classifier, {"x": x[places], "y": y[places]}, generator=generator).backward()
                optimizer.step()
        return classifier.requires_grad_(False).eval()

    def _accuracy(self, classifier: FeatureClassifierSystem, split: Split, device: torch.device) -> float:
        right = total = 0
        for indices in torch.split(evenly_spread(len(split), self.limit), _TESTED_AT_ONCE):
            batch = split.batch(indices)
            x = _signed(batch["x"].to(device), split.units == "binary")
            right += int((classifier.logits(x).argmax(dim=1).cpu() == batch["y"]).sum())
            total += len(indices)
        return right / total


def _signed(x: Tensor, binary: bool) -> Tensor:
    """``x`` in [-1, 1]."""
    return 2 * x - 1 if binary else x
