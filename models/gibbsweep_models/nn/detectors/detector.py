"""The base of detectors of unusual features."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn


class Detector(nn.Module):
    """A detector that standardises features (B, F) by what it was fitted to and says how unusual they are. All of it is
    in buffers, so that a checkpoint holds the fitted detector."""

    mean: Tensor
    """Mean of the fitted features, (F,)."""
    std: Tensor
    """Their standard deviation, (F,)."""
    fitted: Tensor
    """Whether the detector was fitted, bool."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("std", torch.ones(n_features))
        self.register_buffer("fitted", torch.tensor(False))

    @torch.no_grad()
    def fit(self, features: Tensor, *, generator: torch.Generator) -> None:
        """Fit the training data's ``features`` (N, F)."""
        if not bool(torch.isfinite(features).all()):
            raise ValueError(
                "got features that are not finite, expected those of a model that was trained; train it anew"
            )
        self.mean.copy_(features.mean(dim=0))
        # A feature that never varies tells nothing: it stays as it is instead of being divided by 0.
        std = features.std(dim=0, correction=0)
        self.std.copy_(torch.where(std > 0, std, torch.ones_like(std)))
        self._fit((features - self.mean) / self.std, generator)
        self.fitted.fill_(True)

    def forward(self, features: Tensor) -> Tensor:
        """The unusualness of features: (B, F) -> (B,), high = unusual."""
        if not bool(self.fitted):
            raise ValueError("this detector has seen no features yet: train the system, which fits it, or call fit()")
        return self._score((features - self.mean) / self.std)

    @abstractmethod
    def _fit(self, z: Tensor, generator: torch.Generator) -> None: ...

    @abstractmethod
    def _score(self, z: Tensor) -> Tensor: ...
