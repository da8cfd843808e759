"""Features and clusters without learned features: principal components, and k-means of raw pixels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import randint
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System, Units


@dataclass(frozen=True)
class PCAConfig(SignedUnits):
    """The leading principal components of the data as features.

    >>> system = PCAConfig(n_components=2).build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.features(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    n_components: int = 64
    """How many components are kept."""
    whiten: bool = False
    """Whether each component is scaled to variance 1."""

    def build(self, spec: DataSpec) -> PCASystem:
        """The system for examples of ``spec.shape``."""
        if not 1 <= self.n_components <= torch.Size(spec.shape).numel():
            raise ValueError(
                f"got n_components={self.n_components}, expected 1 to {torch.Size(spec.shape).numel()}, the numbers of "
                "one example; choose fewer"
            )
        return PCASystem(self, spec)


class PCASystem(System):
    """The projection features(x) = (x - mean) on the components (Pearson 1901), fitted by scikit-learn's randomised
    solver."""

    mean: Tensor
    """The mean of the training data, (D,)."""
    components: Tensor
    """The components, one a row, (n_components, D)."""

    def __init__(self, config: PCAConfig, spec: DataSpec) -> None:
        super().__init__()
        self.config = config
        n = torch.Size(spec.shape).numel()
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("components", torch.zeros(config.n_components, n))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Find the components of all of ``batch["x"]`` (N, *D). ValueError for fewer examples than components."""
        from sklearn.decomposition import PCA

        if len(batch["x"]) < self.config.n_components:
            raise ValueError(
                f"got {len(batch['x'])} examples, expected one a component at least: choose n_components of "
                f"{len(batch['x'])} or less, or more data"
            )
        pca = PCA(self.config.n_components, svd_solver="randomized", random_state=_seed(generator))
        pca.fit(batch["x"].flatten(1).cpu().numpy())
        components = torch.from_numpy(pca.components_)
        if self.config.whiten:
            components = components / torch.from_numpy(pca.explained_variance_).sqrt()[:, None]
        self.mean.copy_(torch.from_numpy(pca.mean_))
        self.components.copy_(components)

    def features(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, n_components)."""
        return (x.flatten(1) - self.mean) @ self.components.T


@dataclass(frozen=True)
class KMeansConfig:
    """k-means clusters of raw values.

    >>> system = KMeansConfig(n_clusters=2).build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.clusters(torch.zeros(3, 4)).shape
    torch.Size([3])
    """

    n_clusters: int | None = None
    """Number of clusters; None: as many as there are classes."""
    n_starts: int = 3
    """Random starts, the best of which is kept."""

    @property
    def units(self) -> Units:
        return "signed"

    def build(self, spec: DataSpec) -> KMeansSystem:
        """The system for examples of ``spec.shape``."""
        n_clusters = self.n_clusters or spec.n_classes
        if n_clusters is None:
            raise ValueError("k-means of data without classes needs a number: got n_clusters=None; pass n_clusters=10")
        return KMeansSystem(self, spec, n_clusters)


class KMeansSystem(System):
    """k-means (Lloyd 1982) on flattened examples, the best of ``n_starts`` by scikit-learn. Its features are the raw
    values."""

    centres: Tensor
    """The centres, (K, D)."""

    def __init__(self, config: KMeansConfig, spec: DataSpec, n_clusters: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("centres", torch.zeros(n_clusters, torch.Size(spec.shape).numel()))

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Find the centres of ``batch["x"]`` (N, *D), from mini-batches of 4096."""
        from sklearn.cluster import MiniBatchKMeans

        means = MiniBatchKMeans(
            len(self.centres), batch_size=4096, n_init=self.config.n_starts, random_state=_seed(generator)
        )
        means.fit(batch["x"].flatten(1).cpu().numpy())
        self.centres.copy_(torch.from_numpy(means.cluster_centers_))

    def clusters(self, x: Tensor) -> Tensor:
        """The nearest centre of each example: (B, *D) -> (B,), int64."""
        return torch.cdist(x.flatten(1), self.centres).argmin(dim=1)

    def features(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, F): the example itself."""
        return x.flatten(1)


def _seed(generator: torch.Generator) -> int:
    return int(randint(2**31 - 1, (1,), generator=generator))
