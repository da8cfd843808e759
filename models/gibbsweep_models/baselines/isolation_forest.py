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
    """Liu, Ting & Zhou (2008): ``n_trees`` random trees, each of ``samples_per_tree`` examples out of at most
    ``n_examples`` and a share ``feature_share`` of the components."""

    n_trees: int = 100
    samples_per_tree: int = 256
    feature_share: float = 1.0
    n_examples: int = 10_000

    def build(self, spec: DataSpec) -> IsolationForestSystem:
        """The system for examples of any shape."""
        self.check_units(spec)
        return IsolationForestSystem(self)


class IsolationForestSystem(System):
    """How few random cuts set an example apart from all others."""

    def __init__(self, config: IsolationForestConfig) -> None:
        super().__init__()
        self.config = config
        self.forest: Any = None

    def phases(self) -> list[Phase]:
        return []

    def fit(self, batch: Batch, *, generator: torch.Generator) -> None:
        """To ``n_examples`` of ``batch["x"]`` (N, *D), drawn by ``generator`` as are the trees."""
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
