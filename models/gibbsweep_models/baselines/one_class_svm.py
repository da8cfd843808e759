"""One-class support vector machine on principal components, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gibbsweep_models.nn.detectors.subset import subset
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System


@dataclass(frozen=True)
class OneClassSVMConfig(SignedUnits):
    """Schölkopf et al. (2001) with the kernel exp(-``gamma`` |x - x'|² / (components · their variance)).

    Its solver's cost grows with the square of the number of examples: it sees ``n_examples`` drawn at random, as their first
    ``n_components`` principal components, each scaled to variance 1 if ``whiten``. ``nu``: the share that may lie outside.
    """

    nu: float = 0.1
    gamma: float = 5.0
    whiten: bool = False
    n_components: int = 32
    n_examples: int = 4000

    def build(self, spec: DataSpec) -> OneClassSVMSystem:
        """The system for examples of any shape."""
        self.check_units(spec)
        return OneClassSVMSystem(self)


class OneClassSVMSystem(System):
    """The distance to a surface in kernel space that holds most of the training data."""

    def __init__(self, config: OneClassSVMConfig) -> None:
        super().__init__()
        self.config = config
        self.projection: Any = None
        self.machine: Any = None

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """To ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator``."""
        from sklearn.decomposition import PCA
        from sklearn.svm import OneClassSVM

        config = self.config
        x = subset(batch["x"], config.n_examples, generator)
        components = min(config.n_components, *x.shape)
        self.projection = PCA(components, whiten=config.whiten, svd_solver="covariance_eigh")
        features = self.projection.fit_transform(x)
        machine = OneClassSVM(nu=config.nu, gamma=config.gamma / (components * float(features.var())))
        self.machine = machine.fit(features)

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """-log Σ_i alpha_i k(x, x_i) over the support vectors: (B, *D) -> (B,). The sum itself orders examples alike, and is
        nearly 0 for all that lie a little outside."""
        from scipy.special import logsumexp
        from sklearn.metrics.pairwise import euclidean_distances

        del generator
        if self.machine is None:
            raise ValueError("this detector has seen no data yet: call fit() first")
        features = self.projection.transform(x.flatten(1).cpu().numpy()).astype(np.float64)
        squared = euclidean_distances(features, self.machine.support_vectors_, squared=True)
        scores = -logsumexp(-self.machine.gamma * squared, axis=1, b=self.machine.dual_coef_)
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
