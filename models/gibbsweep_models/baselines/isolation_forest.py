"""Isolation forest on raw pixels, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

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
    """A forest whose score says how few random cuts set an example apart from all others."""

    def __init__(self, config: IsolationForestConfig) -> None:
        super().__init__()
        self.config = config
        self.forest: Any = None

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
        self.forest = forest.fit(x)

    def anomaly_score(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """2^(-mean depth / that of a random tree), in (0, 1]: (B, *D) -> (B,)."""
        del generator
        if self.forest is None:
            raise ValueError("this detector has seen no data yet: call fit() first")
        scores = -self.forest.score_samples(x.flatten(1).cpu().numpy())
        return torch.as_tensor(scores, dtype=torch.float32, device=x.device)
