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
    """A one-class SVM (Schölkopf et al. 2001) with the kernel exp(-``gamma`` |x - x'|² / (components · their
    variance)), on principal components. Its solver's cost grows with the square of the number of examples, so it sees a
    part of them.

    >>> system = OneClassSVMConfig(n_components=2).build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.anomaly_score(torch.zeros(2, 4), generator=seeded(0)).shape
    torch.Size([2])
    """

    nu: float = 0.1
    """Share of the training data that may lie outside."""
    gamma: float = 5.0
    """Inverse width of the kernel, in units of the data's own variance."""
    whiten: bool = False
    """Whether each principal component is scaled to variance 1."""
    n_components: int = 32
    """Leading principal components that the kernel sees."""
    n_examples: int = 4000
    """Most examples that are fitted, drawn at random."""

    def build(self, spec: DataSpec) -> OneClassSVMSystem:
        """The system for examples of any shape."""
        self.check_units(spec)
        return OneClassSVMSystem(self)


class OneClassSVMSystem(System):
    """A surface in kernel space that holds most of the training data; the score is the distance to it."""

    def __init__(self, config: OneClassSVMConfig) -> None:
        super().__init__()
        self.config = config
        self.projection: Any = None
        self.machine: Any = None

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator``."""
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
        """-log Σ_i alpha_i k(x, x_i) over the support vectors: (B, *D) -> (B,). The sum itself orders examples in the
        same way, but is nearly 0 for all that lie a little outside."""
        from scipy.special import logsumexp
        from sklearn.metrics.pairwise import euclidean_distances

        del generator
        if self.machine is None:
            raise ValueError("this detector has seen no data yet: call fit() first")
        features = self.projection.transform(x.flatten(1).cpu().numpy()).astype(np.float64)
        squared = euclidean_distances(features, self.machine.support_vectors_, squared=True)
        scores = -logsumexp(-self.machine.gamma * squared, axis=1, b=self.machine.dual_coef_)
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
