"""Squared distances to learned prototypes as energies."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import check_shape


class PrototypeEnergies(nn.Module):
    """E(x, y) = -log Σ_m exp(b_ym - ½ (x - μ_ym)ᵀ Λ (x - μ_ym)) with Λ = diag(s²) + AᵀA: the softest of M quadratic
    energies a class, so p(x | y) ∝ exp(-E) is a mixture of M Gaussians and p(y | x) a soft nearest prototype.

    ``rank``: rows of A, the directions in which a distance counts more. Λ is shared by all prototypes, so that with one
    prototype a class the logits are linear in x (linear discriminant analysis); more bend the border.

    >>> energies = PrototypeEnergies((1, 4, 4), n_classes=3, n_prototypes=2, rank=4)
    >>> energies(torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5, 3])
    """

    def __init__(self, shape: tuple[int, ...], n_classes: int, n_prototypes: int = 8, rank: int = 64) -> None:
        super().__init__()
        if n_prototypes < 1 or rank < 1:
            raise ValueError(
                f"got n_prototypes={n_prototypes} and rank={rank}, expected at least 1 of each; raise the one that is 0"
            )
        n = math.prod(shape)
        self.shape, self.n_classes = tuple(shape), n_classes
        self.prototypes = nn.Parameter(0.1 * torch.randn(n_classes * n_prototypes, n))
        self.projection = nn.Parameter(torch.randn(n, rank) / math.sqrt(n))
        self.log_scale = nn.Parameter(torch.full((n,), math.log(0.1)))
        self.bias = nn.Parameter(torch.zeros(n_classes, n_prototypes))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Start the prototypes around the mean of ``x`` (N, *D), equally far from all classes."""
        self.prototypes.add_(x.flatten(1).mean(dim=0))

    def features(self, x: Tensor) -> Tensor:
        """A x: (B, *D) -> (B, rank)."""
        return x.flatten(1) @ self.projection

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, K)."""
        check_shape(x, self.shape)
        scale = self.log_scale.exp()
        metric_x = torch.cat([x.flatten(1) * scale, self.features(x)], dim=1)
        metric_prototypes = torch.cat([self.prototypes * scale, self.prototypes @ self.projection], dim=1)
        # |u - v|² = |u|² + |v|² - 2 u·v: one matrix product, no (B, KM, D) differences.
        squared = (
            metric_x.square().sum(dim=1, keepdim=True)
            + metric_prototypes.square().sum(dim=1)
            - 2.0 * metric_x @ metric_prototypes.T
        )
        terms = self.bias - 0.5 * squared.view(len(x), self.n_classes, -1)
        return -torch.logsumexp(terms, dim=2)
