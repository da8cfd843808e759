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
        all_logits, y = torch.cat(logits), torch.cat(labels)
        accuracy = float((all_logits.argmax(dim=1) == y).double().mean())
        return Evaluation(
            {
                "accuracy": accuracy,
                "error": 1.0 - accuracy,
                "nll": float(F.cross_entropy(all_logits, y)),
                "ece": expected_calibration_error(all_logits, y, self.n_bins),
            }
        )


def expected_calibration_error(logits: Tensor, y: Tensor, n_bins: int) -> float:
    """Sum over bins of confidence of (share of examples) · |accuracy - mean confidence|: logits (N, K), classes (N,) int64."""
    from torchmetrics.functional.classification import multiclass_calibration_error

    # torchmetrics gives a confidence of exactly 1 a bin of its own, beyond the last: float32's next lower number is in the last.
    probabilities = torch.softmax(logits.float(), dim=1).clamp(max=1 - 2**-24)
    return float(multiclass_calibration_error(probabilities, y, num_classes=logits.shape[1], n_bins=n_bins, norm="l1"))
