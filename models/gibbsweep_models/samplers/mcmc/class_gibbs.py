"""Gibbs sampling of a machine over examples and classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.nn.energies.class_rbm import ClassRBM
from gibbsweep_models.types import Samples, Trace


@dataclass(frozen=True)
class ClassGibbs:
    """Gibbs steps (y, h) ~ p(y, h | v), as y ~ p(y | v) and h ~ p(h | v, y), then v ~ p(v | h).

    The class is drawn with h summed out, so a chain changes it as often as the machine allows. With ``cond`` (B,) int64
    the classes are held, and the chain is that of p(v | y). ``info``: ``visible_mean`` (B, *D), the mean that the
    returned v were drawn from. ``nfe`` counts matrix products of v and h.

    >>> machine = ClassRBM(n_visible=16, n_hidden=4, n_classes=3)
    >>> ClassGibbs(n_steps=5)(machine, torch.zeros(2, 1, 4, 4), generator=seeded(0)).x.shape
    torch.Size([2, 1, 4, 4])
    """

    n_steps: int
    """Gibbs steps."""

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ValueError(f"got n_steps={self.n_steps}, expected at least 1; raise it")

    @torch.no_grad()
    def __call__(
        self,
        model: ClassRBM,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        v = model.flat(x)
        mean = v
        for step in range(1, self.n_steps + 1):
            y = model.sample_label(v, generator=generator) if cond is None else cond
            h = model.sample_hidden(v, y, generator=generator)
            mean = model.visible_mean(h)
            v = draws.bernoulli(mean, generator=generator)
            if trace is not None:
                trace(step, v.view(x.shape))
        per_step = 3 if cond is None else 2
        return Samples(v.view(x.shape), nfe=per_step * self.n_steps, info={"visible_mean": mean.view(x.shape)})
