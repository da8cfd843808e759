"""Accuracy and calibration of a system that names classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_labels
from gibbsweep.evaluate.examples import Examples, batches_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasLogits

if TYPE_CHECKING:
    from gibbsweep.data import Split


@dataclass(frozen=True)
class Classification:
    """How well a system names the classes of examples, and whether its confidence is right.

    Metrics: ``accuracy`` and ``error`` as shares; ``nll``, the mean of -log p(y | x) in nats; ``ece``, the expected
    calibration error over equal bins of confidence (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    Example::

        Classification()(system, load("mnist").test, generator=seeded(0)).metrics["accuracy"]
    """

    n_bins: int = 15
    """Number of bins of confidence."""
    limit: int | None = None
    """Number of examples, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasLogits

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)

    def __call__(self, system: HasLogits, split: Examples, *, generator: torch.Generator) -> Evaluation:
        logits, labels = [], []
        for batch in batches_of(split, self.limit, generator.device):
            if "y" not in batch:
                raise UserError("Classification needs labels, and this data set has none: choose a labelled one.")
            logits.append(system.logits(batch["x"]).float())
            labels.append(batch["y"])
        all_logits, y = torch.cat(logits), torch.cat(labels)
        probabilities = torch.softmax(all_logits, dim=1)
        accuracy = float((probabilities.argmax(dim=1) == y).double().mean())
        return Evaluation(
            {
                "accuracy": accuracy,
                "error": 1.0 - accuracy,
                "nll": float(F.cross_entropy(all_logits, y)),
                "ece": expected_calibration_error(probabilities, y, self.n_bins),
            }
        )


def expected_calibration_error(probabilities: Tensor, y: Tensor, n_bins: int) -> float:
    """Sum over bins of confidence of (share of examples) · |accuracy - mean confidence|, by torchmetrics.

    ``probabilities`` (N, K) of the classes; ``y`` (N,) int64, the true ones.
    """
    from torchmetrics.functional.classification import multiclass_calibration_error

    # torchmetrics gives a confidence of exactly 1 a bin of its own; the largest float32 below 1 lies in the last bin.
    below_one = probabilities.float().clamp(max=1 - 2**-24)
    return float(multiclass_calibration_error(below_one, y, num_classes=below_one.shape[1], n_bins=n_bins, norm="l1"))
