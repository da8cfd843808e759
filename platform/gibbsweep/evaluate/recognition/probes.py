"""What the features of a system are good for: a linear classifier and nearest neighbours on top of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasFeatures

if TYPE_CHECKING:
    from gibbsweep.data import Split

_CHUNK = 500
_INVERSE_PENALTIES = [1e-3, 1e-2, 1e-1]


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
        from sklearn.model_selection import GridSearchCV, PredefinedSplit
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        x_train, y_train = features_of(system, split.dataset.train, self.n_train, generator.device)
        x, y = features_of(system, split, self.limit, generator.device)
        fold = np.where(np.arange(len(x_train)) < len(x_train) // 5, 0, -1)  # -1: always among those that are fitted
        probe = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=100, tol=1e-3)),
            {"logisticregression__C": _INVERSE_PENALTIES},
            cv=PredefinedSplit(fold),
            error_score="raise",
        )
        probe.fit(x_train.numpy(), y_train.numpy())
        return Evaluation({"linear_accuracy": float(probe.score(x.numpy(), y.numpy()))})


@dataclass(frozen=True)
class NearestNeighbours:
    """Accuracy of the majority among the ``k`` of ``n_train`` training examples whose features point in the most similar
    direction (cosine), as ``knn_accuracy``; a draw goes to the smallest class number."""

    k: int = 20
    n_train: int = 10_000
    limit: int | None = None
    needs: ClassVar[type] = HasFeatures

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.neighbors import KNeighborsClassifier

        x_train, y_train = features_of(system, split.dataset.train, self.n_train, generator.device)
        x, y = features_of(system, split, self.limit, generator.device)
        if len(x_train) < self.k:
            raise UserError(f"{self.k} neighbours were asked of {len(x_train)} training examples: lower k")
        neighbours = KNeighborsClassifier(self.k, metric="cosine").fit(x_train.numpy(), y_train.numpy())
        return Evaluation({"knn_accuracy": float(neighbours.score(x.numpy(), y.numpy()))})
