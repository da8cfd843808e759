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
    """A one-class SVM (Schölkopf et al. 2001) with the kernel exp(-``gamma`` |f - f'|² / (features · their variance)).
    The features f are principal components and, as one more, the norm of what these leave over, which varies as much as
    all components together: without it noise, which has next to nothing of any leading component, lies in the middle of
    the data. Its solver's cost grows with the square of the number of examples, so it sees a part of them.

    >>> system = OneClassSVMConfig(n_components=2).build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.anomaly_score(torch.zeros(2, 4), generator=seeded(0)).shape
    torch.Size([2])
    """

    nu: float = 0.1
    """Share of the training data that may lie outside."""
    gamma: float = 5.0
    """Inverse width of the kernel, in units of the data's own variance."""
    whiten: bool = True
    """Whether each principal component is scaled to variance 1."""
    n_components: int = 32
    """Leading principal components that the kernel sees. Where these are all, nothing is left over."""
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
        self.rest: tuple[float, float] | None = None  # centre and width of the norm of what is left over
        self.machine: Any = None

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator``."""
        from sklearn.decomposition import PCA
        from sklearn.svm import OneClassSVM

        config = self.config
        x = np.asarray(subset(batch["x"], config.n_examples, generator), dtype=np.float64)
        components = min(config.n_components, *x.shape)
        self.projection = PCA(components, whiten=config.whiten, svd_solver="covariance_eigh").fit(x)
        self.rest = None
        if components < min(x.shape):
            norms, spread = self._left_over(x), float(self.projection.transform(x).std())
            # Data in the components' plane leave rounding errors alone.
            least = 1e-3 * float(x.std()) * x.shape[1] ** 0.5
            self.rest = float(norms.mean()), max(float(norms.std()), least) / (spread * components**0.5)
        features = self._features(x)
        machine = OneClassSVM(nu=config.nu, gamma=config.gamma / (features.shape[1] * float(features.var())))
        self.machine = machine.fit(features)

    def _left_over(self, x: np.ndarray) -> np.ndarray:
        """|x - its projection|: (N, D) -> (N, 1)."""
        projected = self.projection.inverse_transform(self.projection.transform(x))
        norms: np.ndarray = np.linalg.norm(x - projected, axis=1, keepdims=True)
        return norms

    def _features(self, x: np.ndarray) -> np.ndarray:
        components: np.ndarray = self.projection.transform(x)
        if self.rest is None:
            return components
        centre, width = self.rest
        return np.hstack([components, (self._left_over(x) - centre) / width])

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """-log Σ_i alpha_i k(x, x_i) over the support vectors: (B, *D) -> (B,). The sum itself orders examples in the
        same way, but is nearly 0 for all that lie a little outside."""
        from scipy.special import logsumexp
        from sklearn.metrics.pairwise import euclidean_distances

        del generator
        if self.machine is None:
            raise ValueError("this detector has seen no data yet: call fit() first")
        features = self._features(x.flatten(1).cpu().numpy().astype(np.float64))
        squared = euclidean_distances(features, self.machine.support_vectors_, squared=True)
        scores = -logsumexp(-self.machine.gamma * squared, axis=1, b=self.machine.dual_coef_)
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
