"""Detectors of unusual features, fitted to a trained model's features of its training data and stored with its weights."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Detector(nn.Module):
    """Standardises features (B, F) by what it was fitted to and says how unusual they are. All of it is in buffers, so that a
    checkpoint holds the fitted detector."""

    mean: Tensor
    std: Tensor
    fitted: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("std", torch.ones(n_features))
        self.register_buffer("fitted", torch.tensor(False))

    @torch.no_grad()
    def fit(self, features: Tensor, *, generator: torch.Generator) -> None:
        """To the training data's ``features`` (N, F)."""
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
        """(B, F) -> (B,), high = unusual."""
        if not bool(self.fitted):
            raise ValueError("this detector has seen no features yet: train the system, which fits it, or call fit()")
        return self._score((features - self.mean) / self.std)

    @abstractmethod
    def _fit(self, z: Tensor, generator: torch.Generator) -> None: ...

    @abstractmethod
    def _score(self, z: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Neighbours:
    """The distance to the ``k``-th nearest of the training data's features (Ramaswamy et al. 2000)."""

    k: int = 5

    def build(self, n_examples: int, n_features: int) -> NeighbourDetector:
        """The detector of features (B, n_features) that keeps ``n_examples`` of them."""
        return NeighbourDetector(self.k, n_examples, n_features)


class NeighbourDetector(Detector):
    """``reference``: the standardised features (N, F) of the training data."""

    reference: Tensor

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


@dataclass(frozen=True)
class Mixture:
    """-ln p under a Gaussian mixture with full covariances, fitted by scikit-learn; ``ridge`` is added to their diagonals."""

    n_components: int = 5
    ridge: float = 1e-3

    def build(self, n_examples: int, n_features: int) -> MixtureDetector:
        """The detector of features (B, n_features), fitted to ``n_examples`` of them."""
        return MixtureDetector(self.n_components, self.ridge, n_examples, n_features)


class MixtureDetector(Detector):
    """``factors`` (K, F, F): the Cholesky factors of the components' precisions, P = L Lᵀ."""

    log_weights: Tensor
    means: Tensor
    factors: Tensor

    def __init__(self, n_components: int, ridge: float, n_examples: int, n_features: int) -> None:
        super().__init__(n_features)
        if not 1 <= n_components <= n_examples:
            raise ValueError(
                f"got n_components={n_components} for n_examples={n_examples}, expected 1 to that many; lower it"
            )
        self.ridge = ridge
        self.register_buffer("log_weights", torch.zeros(n_components))
        self.register_buffer("means", torch.zeros(n_components, n_features))
        self.register_buffer("factors", torch.zeros(n_components, n_features, n_features))

    def _fit(self, z: Tensor, generator: torch.Generator) -> None:
        from sklearn.mixture import GaussianMixture

        seed = int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
        mixture = GaussianMixture(len(self.means), covariance_type="full", reg_covar=self.ridge, random_state=seed)
        mixture.fit(z.double().cpu().numpy())
        self.log_weights.copy_(torch.as_tensor(mixture.weights_).log())
        self.means.copy_(torch.as_tensor(mixture.means_))
        self.factors.copy_(torch.as_tensor(mixture.precisions_cholesky_))

    def _score(self, z: Tensor) -> Tensor:
        whitened = torch.einsum("bkf,kfg->bkg", z[:, None, :] - self.means, self.factors)
        log_det = torch.diagonal(self.factors, dim1=1, dim2=2).log().sum(dim=1)
        constant = self.log_weights + log_det - 0.5 * z.shape[1] * math.log(2.0 * math.pi)
        return -torch.logsumexp(constant - 0.5 * whitened.square().sum(dim=2), dim=1)
