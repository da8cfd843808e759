"""How well a system names classes, and whether it knows how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.examples import Examples, batches_of
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasLogits


@dataclass(frozen=True)
class Classification:
    """``accuracy`` and ``error`` as shares, ``nll`` the mean of -log p(y | x) in nats, ``ece`` the expected calibration error over
    ``n_bins`` equal bins of confidence (Guo et al., "On Calibration of Modern Neural Networks", 2017). ``limit``: at most so
    many examples, evenly spread; None for all."""

    n_bins: int = 15
    limit: int | None = None
    needs: ClassVar[type] = HasLogits

    def __call__(self, system: HasLogits, split: Examples, *, generator: torch.Generator) -> Evaluation:
        logits, labels = [], []
        for batch in batches_of(split, self.limit, generator.device):
            if "y" not in batch:
                raise UserError("Classification needs labels, and this data set has none: choose a labelled one.")
            logits.append(system.logits(batch["x"]).float())
            labels.append(batch["y"])
        found, y = torch.cat(logits), torch.cat(labels)
        confidence, predicted = torch.softmax(found, dim=1).max(dim=1)
        correct = predicted == y
        accuracy = float(correct.double().mean())
        return Evaluation(
            {
                "accuracy": accuracy,
                "error": 1.0 - accuracy,
                "nll": float(F.cross_entropy(found, y)),
                "ece": expected_calibration_error(confidence, correct, self.n_bins),
            }
        )


def expected_calibration_error(confidence: Tensor, correct: Tensor, n_bins: int) -> float:
    """Σ over bins of (share of examples) · |accuracy - mean confidence|: (N,) in [0, 1], (N,) bool. Bins are (low, high]."""
    bins = (confidence.double() * n_bins).ceil().long().clamp_(1, n_bins) - 1
    gap = torch.zeros(n_bins, dtype=torch.float64, device=confidence.device)
    gap.index_add_(0, bins, correct.double() - confidence.double())
    return float(gap.abs().sum() / len(confidence))
