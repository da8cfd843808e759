"""Accelerated descent along a field of gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.types import Samples, Trace


@dataclass(frozen=True)
class NesterovDescent:
    """x_k = y_k - step_size g(y_k) with y_k = x_(k-1) + momentum (x_(k-1) - x_(k-2)), ``n_steps`` times: Nesterov's
    method, by which Wang & Du ("Equilibrium Matching", 2025) sample. ``g`` is the gradient of an energy, or a field
    that was trained as one. It draws nothing. ``info``: ``gradient_norm``, the mean over chains at the last step, near
    0 at an equilibrium.

    >>> samples = NesterovDescent(50, 0.1)(lambda x: x, torch.ones(3, 2), generator=seeded(0))
    >>> samples.x.abs().max() < 0.01
    tensor(True)
    """

    n_steps: int = 150
    """Steps."""
    step_size: float = 0.02
    """Factor of the field."""
    momentum: float = 0.35
    """Share of the last step that is taken again; 0 is gradient descent."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.step_size <= 0 or not 0 <= self.momentum < 1:
            raise ValueError(
                f"got n_steps={self.n_steps}, step_size={self.step_size}, momentum={self.momentum}; expected n_steps "
                ">= 1, step_size > 0 and a momentum in [0, 1); correct the one that is out of range"
            )

    @torch.no_grad()
    def __call__(
        self,
        model: Callable[[Tensor], Tensor],
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        """Move ``x`` (B, *D) down the field ``model``: (B, *D) -> (B, *D)."""
        del generator
        if cond is not None:
            raise ValueError(f"a field has no condition: got cond {tuple(cond.shape)}, expected None")
        before = x = x.detach()
        for step in range(1, self.n_steps + 1):
            ahead = torch.lerp(before, x, 1 + self.momentum)
            gradient = model(ahead)
            before, x = x, torch.add(ahead, gradient, alpha=-self.step_size)
            if trace is not None:
                trace(step, x)
        norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1).mean()
        return Samples(x, nfe=self.n_steps, info={"gradient_norm": norm})
