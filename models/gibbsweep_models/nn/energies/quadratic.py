"""A Gaussian as an energy."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import check_shape, refuse_condition


class LowRankQuadraticEnergy(nn.Module):
    """E(x) = ½ (x - μ)ᵀ Λ (x - μ), Λ = diag(s²) + A Aᵀ: (B, *D) -> (B,), a Gaussian whose precision is a diagonal and
    ``rank`` directions A, (D, rank), along which it is narrower. The simplest energy that there is: one mode.

    >>> energy = LowRankQuadraticEnergy((1, 4, 4), rank=2)
    >>> energy(torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5])
    """

    def __init__(self, shape: tuple[int, ...], rank: int = 64) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"got rank={rank}, expected at least one direction; pass rank=64")
        n = math.prod(shape)
        self.shape = tuple(shape)
        self.mean = nn.Parameter(torch.zeros(n))
        self.log_scale = nn.Parameter(torch.zeros(n))
        self.projection = nn.Parameter(torch.randn(n, rank) / math.sqrt(n))

    @torch.no_grad()
    def initialise(self, x: Tensor, floor: float = 0.1) -> None:
        """Set μ and s by examples ``x`` (N, *D), as if components were independent; ``floor`` (in units of x) bounds s
        where the data hardly moves."""
        flat = x.flatten(1)
        self.mean.copy_(flat.mean(dim=0))
        self.log_scale.copy_(-0.5 * (flat.var(dim=0, correction=0) + floor**2).log())

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """(B, *D) -> (B,)."""
        refuse_condition(cond, self)
        check_shape(x, self.shape)
        away = x.flatten(1) - self.mean
        along = (away @ self.projection).to(away.dtype)
        return 0.5 * ((away * self.log_scale.exp()).square().sum(dim=1) + along.square().sum(dim=1))
