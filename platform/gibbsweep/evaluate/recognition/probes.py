"""What the features of a system are good for: a linear classifier and nearest neighbours on top of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasFeatures

if TYPE_CHECKING:
    from gibbsweep.data import Split

_CHUNK = 500
_INVERSE_PENALTIES = (1e-3, 1e-2, 1e-1)


def features_of(system: HasFeatures, split: Split, limit: int | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Features (N, F) and labels (N,) of at most ``limit`` evenly spread examples, on the CPU."""
    n = len(split)
    rows = torch.linspace(0, n - 1, n if limit is None else min(limit, n)).round().long()
    features, labels = [], []
    for chunk in torch.split(rows, _CHUNK):
        batch = split.batch(chunk)
        if "y" not in batch:
            raise UserError(
                f"features of '{split.dataset.name}' cannot be judged: it has no labels; choose a labelled set"
            )
        features.append(system.features(batch["x"].to(device)).float().flatten(1).cpu())
        labels.append(batch["y"])
    return torch.cat(features), torch.cat(labels)


@dataclass(frozen=True)
class LinearProbe:
    """Accuracy of multinomial logistic regression (scikit-learn) on standardised features of ``n_train`` training examples, as
    ``linear_accuracy``. Its penalty is chosen on a fifth of them, before the split is looked at."""

    n_train: int = 5_000
    limit: int | None = None
    needs: ClassVar[type] = HasFeatures

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.linear_model import LogisticRegression

        known, labels = features_of(system, split.dataset.train, self.n_train, generator.device)
        unknown, truth = features_of(system, split, self.limit, generator.device)
        mean, std = known.mean(dim=0), known.std(dim=0)
        std = torch.where(std > 0, std, 1.0)  # a feature that never varies says nothing
        x, y = ((known - mean) / std).numpy(), labels.numpy()
        held_out = len(x) // 5

        def fitted(penalty: float, first: int) -> LogisticRegression:
            return LogisticRegression(C=penalty, max_iter=100, tol=1e-3).fit(x[first:], y[first:])

        scores = {c: fitted(c, held_out).score(x[:held_out], y[:held_out]) for c in _INVERSE_PENALTIES}
        probe = fitted(max(scores, key=lambda c: scores[c]), 0)
        accuracy = probe.score(((unknown - mean) / std).numpy(), truth.numpy())
        return Evaluation({"linear_accuracy": float(accuracy)})


@dataclass(frozen=True)
class NearestNeighbours:
    """Accuracy of the majority among the ``k`` of ``n_train`` training examples whose features point in the most similar
    direction (cosine), as ``knn_accuracy``; a draw goes to the smallest class number."""

    k: int = 20
    n_train: int = 10_000
    limit: int | None = None
    needs: ClassVar[type] = HasFeatures

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        known, labels = features_of(system, split.dataset.train, self.n_train, generator.device)
        unknown, truth = features_of(system, split, self.limit, generator.device)
        if len(known) < self.k:
            raise UserError(f"{self.k} neighbours were asked of {len(known)} training examples: lower k")
        known, unknown = F.normalize(known, dim=1), F.normalize(unknown, dim=1)
        votes = [labels[(chunk @ known.T).topk(self.k, dim=1).indices] for chunk in torch.split(unknown, _CHUNK)]
        majority = F.one_hot(torch.cat(votes)).sum(dim=1).argmax(dim=1)
        return Evaluation({"knn_accuracy": float((majority == truth).float().mean())})
