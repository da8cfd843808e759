"""The distance of features to their neighbours, as a detector."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.nn.detectors.detector import Detector


@dataclass(frozen=True)
class Neighbours:
    """The distance to the ``k``-th nearest of the training data's features (Ramaswamy et al. 2000).

    >>> detector = Neighbours(k=3).build(n_examples=50, n_features=3)
    >>> detector.fit(torch.randn(50, 3), generator=seeded(0))
    >>> detector(torch.zeros(2, 3)).shape
    torch.Size([2])
    """

    k: int = 5
    """Rank of the neighbour whose distance is taken."""

    def build(self, n_examples: int, n_features: int) -> NeighbourDetector:
        """The detector of features (B, n_features) that keeps ``n_examples`` of them."""
        return NeighbourDetector(self.k, n_examples, n_features)


class NeighbourDetector(Detector):
    """The detector of :class:`Neighbours`."""

    reference: Tensor
    """The standardised features of the training data, (N, F)."""

    def __init__(self, k: int, n_examples: int, n_features: int) -> None:
        super().__init__(n_features)
        if not 1 <= k <= n_examples:
            raise ValueError(f"got k={k} neighbours among n_examples={n_examples}, expected 1 to that many; lower k")
        self.k = k
        self.register_buffer("reference", torch.zeros(n_examples, n_features))

    def _fit(self, z: Tensor, generator: torch.Generator) -> None:
        del generator
        self.reference.copy_(z)

    def _score(self, z: Tensor) -> Tensor:
        return torch.cdist(z, self.reference).kthvalue(self.k, dim=1).values
