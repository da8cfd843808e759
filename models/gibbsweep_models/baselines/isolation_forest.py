"""Isolation forest on raw pixels, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep_models.nn.any_shape import take_any_shape
from gibbsweep_models.nn.detectors.subset import subset
from gibbsweep_models.types import Batch, DataSpec, Phase, SignedUnits, System


@dataclass(frozen=True)
class IsolationForestConfig(SignedUnits):
    """An isolation forest (Liu, Ting & Zhou 2008) of raw values.

    >>> system = IsolationForestConfig(n_trees=10).build(DataSpec((4,)))
    >>> system.fit({"x": torch.randn(50, 4)}, generator=seeded(0))
    >>> system.anomaly_score(torch.zeros(2, 4), generator=seeded(0)).shape
    torch.Size([2])
    """

    n_trees: int = 100
    """Random trees."""
    samples_per_tree: int = 256
    """Examples that a tree is grown on."""
    feature_share: float = 1.0
    """Share of the components that a tree may cut."""
    n_examples: int = 10_000
    """Most examples of the training data that trees draw from."""

    def build(self, spec: DataSpec) -> IsolationForestSystem:
        """The system for examples of any shape."""
        self.check_units(spec)
        return IsolationForestSystem(self)


class IsolationForestSystem(System):
    """A forest whose score says how few random cuts set an example apart from all others. T trees have up to K nodes,
    the root first; the children of a leaf are the leaf itself."""

    component: Tensor
    """The component of an example that a node compares, (T, K), int64."""
    threshold: Tensor
    """What it compares it with, (T, K), float64."""
    left: Tensor
    """The node where an example goes that is not above the threshold, (T, K), int64."""
    right: Tensor
    """The node where others go, (T, K), int64."""
    path: Tensor
    """The length of the path to a leaf, and the expected length beyond it, (T, K), float64."""
    expected: Tensor
    """The length of a path in a random tree, float64."""

    def __init__(self, config: IsolationForestConfig) -> None:
        super().__init__()
        self.config = config
        for name in ("component", "left", "right"):
            self.register_buffer(name, torch.empty(0, 0, dtype=torch.int64))
        for name in ("threshold", "path"):
            self.register_buffer(name, torch.empty(0, 0, dtype=torch.float64))
        self.register_buffer("expected", torch.zeros((), dtype=torch.float64))
        take_any_shape(self, "component", "left", "right", "threshold", "path")

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """Grow the trees on ``n_examples`` of ``batch["x"]`` (N, *D); ``generator`` draws the examples and the
        trees."""
        from sklearn.ensemble import IsolationForest

        config = self.config
        x = subset(batch["x"], config.n_examples, generator)
        forest = IsolationForest(
            n_estimators=config.n_trees,
            max_samples=min(config.samples_per_tree, len(x)),
            max_features=config.feature_share,
            random_state=int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device)),
        )
        forest.fit(x)
        trees = [
            _arrays(tree.tree_, features)
            for tree, features in zip(forest.estimators_, forest.estimators_features_, strict=True)
        ]
        most, device = max(len(tree["path"]) for tree in trees), self.expected.device
        for name in ("component", "threshold", "left", "right", "path"):
            padded = np.stack([np.pad(tree[name], (0, most - len(tree[name]))) for tree in trees])
            setattr(self, name, torch.as_tensor(padded, device=device))
        self.expected.fill_(float(_average_path(np.array([forest.max_samples_]))[0]))

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """2^(-mean depth / that of a random tree), in (0, 1]: (B, *D) -> (B,)."""
        del generator
        if not self.path.numel():
            raise ValueError("this detector has seen no data yet: call fit() first")
        rows = x.flatten(1)
        tree = torch.arange(len(self.path), device=x.device)
        node = torch.zeros(len(rows), len(tree), dtype=torch.int64, device=x.device)
        while True:
            above = rows.gather(1, self.component[tree, node]) > self.threshold[tree, node]
            further = torch.where(above, self.right[tree, node], self.left[tree, node])
            if torch.equal(further, node):
                break
            node = further
        depth = self.path[tree, node].mean(dim=1)
        return torch.exp2(-depth / self.expected if float(self.expected) else -torch.ones_like(depth)).float()


def _arrays(tree: Any, features: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """A tree of scikit-learn's that sees the components ``features``, as arrays (K,) by the names of the buffers."""
    leaf, itself = tree.children_left < 0, np.arange(tree.node_count)
    depth = np.zeros(tree.node_count)
    for node in itself[~leaf]:  # a node comes before its children
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1
    return {
        "component": np.where(leaf, 0, features[np.where(leaf, 0, tree.feature)]).astype(np.int64),
        "threshold": np.where(leaf, 0.0, tree.threshold),
        "left": np.where(leaf, itself, tree.children_left).astype(np.int64),
        "right": np.where(leaf, itself, tree.children_right).astype(np.int64),
        "path": np.where(leaf, depth + _average_path(tree.n_node_samples), 0.0),
    }


def _average_path(n: NDArray[Any]) -> NDArray[np.float64]:
    """The expected length of a path in a random tree of ``n`` examples: c(n) of Liu, Ting & Zhou 2008, equation 1."""
    n = n.astype(np.float64)
    more = np.maximum(n, 3.0)
    length = 2 * (np.log(more - 1) + np.euler_gamma) - 2 * (more - 1) / more
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, length))
