"""One-class support vector machine on principal components, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gibbsweep_models.nn.any_shape import take_any_shape
from gibbsweep_models.nn.detectors.subset import subset
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System

_LEARNED = ("mean", "components", "scale", "rest", "support", "coefficients")


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
    """A surface in kernel space that holds most of the training data; the score is the distance to it. With k
    components and S support vectors, in float64:"""

    mean: Tensor
    """The mean of the training data, (D,)."""
    components: Tensor
    """The principal components, one a row, (k, D)."""
    scale: Tensor
    """What each component is divided by, (k,)."""
    rest: Tensor
    """Centre and width of the norm of what the components leave over, (2,); empty where they are all."""
    support: Tensor
    """The support vectors, (S, k + 1), or (S, k) where nothing is left over."""
    coefficients: Tensor
    """Their weights alpha, (S,)."""
    gamma: Tensor
    """The kernel's inverse width."""

    def __init__(self, config: OneClassSVMConfig) -> None:
        super().__init__()
        self.config = config
        for name in _LEARNED:
            self.register_buffer(name, torch.empty(0, dtype=torch.float64))
        self.register_buffer("gamma", torch.zeros((), dtype=torch.float64))
        take_any_shape(self, *_LEARNED)

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Fit ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator``."""
        from sklearn.decomposition import PCA
        from sklearn.svm import OneClassSVM

        config = self.config
        x = np.asarray(subset(batch["x"], config.n_examples, generator), dtype=np.float64)
        components = min(config.n_components, *x.shape)
        # With more pixels than examples their covariance would be the larger matrix: up to 10⁵ pixels squared.
        solver = "covariance_eigh" if x.shape[1] <= len(x) else "full"
        projection = PCA(components, svd_solver=solver).fit(x)
        scale = np.ones(components)
        if config.whiten:  # as scikit-learn's transform() does it
            scale = np.maximum(np.sqrt(projection.explained_variance_), np.finfo(x.dtype).eps)
        self._keep(mean=projection.mean_, components=projection.components_, scale=scale, rest=np.empty(0))
        if components < min(x.shape):
            norms, spread = self._left_over(x), float(self._features(x).std())
            # Data in the components' plane leave rounding errors alone.
            least = 1e-3 * float(x.std()) * x.shape[1] ** 0.5
            width = max(float(norms.std()), least) / (spread * components**0.5)
            self._keep(rest=np.array([float(norms.mean()), width]))
        features = self._features(x)
        machine = OneClassSVM(nu=config.nu, gamma=config.gamma / (features.shape[1] * float(features.var())))
        machine.fit(features)
        self._keep(support=machine.support_vectors_, coefficients=machine.dual_coef_[0])
        self.gamma.fill_(machine.gamma)

    def _keep(self, **learned: np.ndarray) -> None:
        """Set buffers to what was learned."""
        for name, values in learned.items():
            # In one order of memory, as they are read from a file: sums in another order round otherwise.
            tensor = torch.as_tensor(values, dtype=torch.float64, device=self.gamma.device).contiguous()
            setattr(self, name, tensor)

    def _centred(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``x`` without the mean (N, D), the components (k, D), and the coordinates of ``x`` in them (N, k)."""
        centred, components = x - self.mean.cpu().numpy(), self.components.cpu().numpy()
        return centred, components, centred @ components.T

    def _left_over(self, x: np.ndarray) -> np.ndarray:
        """|x - its projection|: (N, D) -> (N, 1)."""
        centred, components, coordinates = self._centred(x)
        norms: np.ndarray = np.linalg.norm(centred - coordinates @ components, axis=1, keepdims=True)
        return norms

    def _features(self, x: np.ndarray) -> np.ndarray:
        """What the kernel sees of ``x`` (N, D): (N, k + 1), or (N, k) where nothing is left over."""
        coordinates: np.ndarray = self._centred(x)[2] / self.scale.cpu().numpy()
        if not len(self.rest):
            return coordinates
        centre, width = self.rest.tolist()
        return np.hstack([coordinates, (self._left_over(x) - centre) / width])

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """-log Σ_i alpha_i k(x, x_i) over the support vectors: (B, *D) -> (B,). The sum itself orders examples in the
        same way, but is nearly 0 for all that lie a little outside."""
        from scipy.special import logsumexp
        from sklearn.metrics.pairwise import euclidean_distances

        del generator
        if not len(self.support):
            raise ValueError("this detector has seen no data yet: call fit() first")
        features = self._features(x.flatten(1).cpu().numpy().astype(np.float64))
        squared = euclidean_distances(features, self.support.cpu().numpy(), squared=True)
        scores = -logsumexp(-float(self.gamma) * squared, axis=1, b=self.coefficients.cpu().numpy())
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
