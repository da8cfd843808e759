"""Broadcasting of one number per example over data of any shape."""

from __future__ import annotations

from torch import Tensor


def expand_like(sigma: Tensor, x: Tensor) -> Tensor:
    """``sigma`` (B,) as (B, 1, ..., 1) with as many axes as ``x`` (B, *D)."""
    if sigma.shape != x.shape[:1]:
        raise ValueError(
            f"got sigma {tuple(sigma.shape)} for x {tuple(x.shape)}, expected one value per example ({x.shape[0]},); "
            "expand a scalar with x.new_full((len(x),), sigma)"
        )
    return sigma.reshape(-1, *(1 for _ in x.shape[1:]))
