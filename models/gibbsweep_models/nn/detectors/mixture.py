"""The density of features under a Gaussian mixture, as a detector."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.nn.detectors.detector import Detector


@dataclass(frozen=True)
class Mixture:
    """-ln p under a Gaussian mixture with full covariances, fitted by scikit-learn.

    >>> detector = Mixture(n_components=2).build(n_examples=50, n_features=3)
    >>> detector.fit(torch.randn(50, 3), generator=seeded(0))
    >>> detector(torch.zeros(2, 3)).shape
    torch.Size([2])
    """

    n_components: int = 5
    """Components of the mixture."""
    ridge: float = 1e-3
    """Added to the diagonals of their covariances."""

    def build(self, n_examples: int, n_features: int) -> MixtureDetector:
        """The detector of features (B, n_features), fitted to ``n_examples`` of them."""
        return MixtureDetector(self.n_components, self.ridge, n_examples, n_features)


class MixtureDetector(Detector):
    """The detector of a :class:`Mixture`."""

    log_weights: Tensor
    """Logarithms of the components' weights, (K,)."""
    means: Tensor
    """Their means, (K, F)."""
    factors: Tensor
    """The Cholesky factors of their precisions, P = L Lᵀ, (K, F, F)."""

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
