"""One-class support vector machine on principal components, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gibbsweep_models.nn.any_shape import take_any_shape
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
    """A surface in kernel space that holds most of the training data; the score is the distance to it. With k
    components and S support vectors:"""

    mean: Tensor
    """The mean of the training data, (D,)."""
    components: Tensor
    """The principal components, one a row, (k, D)."""
    scale: Tensor
    """What each component is divided by, (k,)."""
    support: Tensor
    """The support vectors, (S, k), float64."""
    coefficients: Tensor
    """Their weights alpha, (S,), float64."""
    gamma: Tensor
    """The kernel's inverse width, float64."""

    def __init__(self, config: OneClassSVMConfig) -> None:
        super().__init__()
        self.config = config
        for name in ("mean", "components", "scale"):
            self.register_buffer(name, torch.empty(0))
        for name in ("support", "coefficients"):
            self.register_buffer(name, torch.empty(0, dtype=torch.float64))
        self.register_buffer("gamma", torch.zeros((), dtype=torch.float64))
        take_any_shape(self, "mean", "components", "scale", "support", "coefficients")

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator``."""
        from sklearn.decomposition import PCA
        from sklearn.svm import OneClassSVM

        config = self.config
        x = subset(batch["x"], config.n_examples, generator)
        components = min(config.n_components, *x.shape)
        # With more pixels than examples their covariance would be the larger matrix: up to 10⁵ pixels squared.
        solver = "covariance_eigh" if x.shape[1] <= len(x) else "full"
        projection = PCA(components, whiten=config.whiten, svd_solver=solver)
        features = projection.fit_transform(x)
        machine = OneClassSVM(nu=config.nu, gamma=config.gamma / (components * float(features.var())))
        machine.fit(features)
        scale = np.ones(components, x.dtype)
        if config.whiten:  # as scikit-learn's transform() does it
            scale = np.maximum(np.sqrt(projection.explained_variance_), np.finfo(x.dtype).eps)
        device = self.gamma.device
        self.mean = torch.as_tensor(projection.mean_, device=device)
        # In one order of memory, as they are read from a file: sums in another order round otherwise.
        self.components = torch.as_tensor(projection.components_, device=device).contiguous()
        self.scale = torch.as_tensor(scale, device=device)
        self.support = torch.as_tensor(machine.support_vectors_, dtype=torch.float64, device=device).contiguous()
        self.coefficients = torch.as_tensor(machine.dual_coef_[0], dtype=torch.float64, device=device)
        self.gamma.fill_(machine.gamma)

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """-log Σ_i alpha_i k(x, x_i) over the support vectors: (B, *D) -> (B,). The sum itself orders examples in the
        same way, but is nearly 0 for all that lie a little outside."""
        from scipy.special import logsumexp
        from sklearn.metrics.pairwise import euclidean_distances

        del generator
        if not len(self.support):
            raise ValueError("this detector has seen no data yet: call fit() first")
        components = self.components.cpu().numpy()
        features = x.flatten(1).cpu().numpy() @ components.T - self.mean.cpu().numpy() @ components.T
        features = (features / self.scale.cpu().numpy()).astype(np.float64)
        squared = euclidean_distances(features, self.support.cpu().numpy(), squared=True)
        scores = -logsumexp(-float(self.gamma) * squared, axis=1, b=self.coefficients.cpu().numpy())
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
