"""Probes of the features of a system: a linear classifier and nearest neighbours on top of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.evaluate.demands import ask_classes, ask_labels, ask_number
from gibbsweep.evaluate.examples import evenly_spread
from gibbsweep.train import Evaluation
from gibbsweep_models.capabilities import HasFeatures

if TYPE_CHECKING:
    from gibbsweep.data import Split

_CHUNK = 500
_INVERSE_PENALTIES = [1e-3, 1e-2, 1e-1]
"""Values of scikit-learn's C that are tried, the strongest penalty first."""


def features_of(system: HasFeatures, split: Split, limit: int | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Features (N, F) and labels (N,) of at most ``limit`` evenly spread examples, on the CPU."""
    features, labels = [], []
    for indices in torch.split(evenly_spread(len(split), limit), _CHUNK):
        batch = split.batch(indices)
        if "y" not in batch:
            raise UserError(
                f"features of '{split.dataset.name}' cannot be judged: it has no labels; choose a labelled set."
            )
        features.append(system.features(batch["x"].to(device)).float().flatten(1).cpu())
        labels.append(batch["y"])
    return torch.cat(features), torch.cat(labels)


@dataclass(frozen=True)
class LinearProbe:
    """Accuracy of multinomial logistic regression (scikit-learn) on standardised features, as ``linear_accuracy``.

    Its penalty is chosen on a fifth of the training examples, before the split is looked at.

    Example::

        LinearProbe()(system, load("mnist").test, generator=seeded(0)).metrics["linear_accuracy"]
    """

    n_train: int = 5_000
    """Number of training examples, at most, evenly spread."""
    limit: int | None = None
    """Number of examples of the split, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasFeatures

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_classes(self, split.dataset.train)

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
    """Accuracy of the majority among the training examples whose features point in the most similar direction (cosine),
    by scikit-learn, as ``knn_accuracy``. A draw goes to the smallest class number.

    Example::

        NearestNeighbours(k=5)(system, load("mnist").test, generator=seeded(0)).metrics["knn_accuracy"]
    """

    k: int = 20
    """Number of neighbours."""
    n_train: int = 10_000
    """Number of training examples, at most, evenly spread."""
    limit: int | None = None
    """Number of examples of the split, at most, evenly spread; None for all."""
    needs: ClassVar[type] = HasFeatures

    def check_split(self, split: Split) -> None:
        ask_labels(self, split)
        ask_number(self, split.dataset.train, self.n_train, self.k)

    def __call__(self, system: HasFeatures, split: Split, *, generator: torch.Generator) -> Evaluation:
        from sklearn.neighbors import KNeighborsClassifier

        x_train, y_train = features_of(system, split.dataset.train, self.n_train, generator.device)
        x, y = features_of(system, split, self.limit, generator.device)
        if len(x_train) < self.k:
            raise UserError(
                f"{self.k} neighbours were asked of {len(x_train)} training examples: lower k or raise n_train"
            )
        neighbours = KNeighborsClassifier(self.k, metric="cosine").fit(x_train.numpy(), y_train.numpy())
        return Evaluation({"knn_accuracy": float(neighbours.score(x.numpy(), y.numpy()))})
