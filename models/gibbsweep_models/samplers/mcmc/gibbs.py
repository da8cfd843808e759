"""Block Gibbs sampling of bipartite binary models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.nn.energies.rbm import NormalForm
from gibbsweep_models.types import Samples, Trace


class BinaryBipartite(Protocol):
    """Binary visible and hidden units, each side independent given the other: an RBM."""

    def normal_form(self) -> NormalForm: ...


@dataclass(frozen=True)
class BlockGibbs:
    """Block Gibbs steps h ~ p(h | v), v ~ p(v | h) for p(v, h) ∝ exp(-E(v, h) / temperature) (Hinton 2002).

    ``info``: ``hidden_logits`` (B, H) at the start ``x`` and at temperature 1, ``hidden_mean`` (B, H), the mean that
    the first h were drawn from, ``reconstruction`` (B, *D), the mean of v after the first half step back, and
    ``visible_mean`` (B, *D), the mean that the returned v were drawn from. ``nfe`` counts matrix products.

    >>> from gibbsweep_models.nn.energies import RBM
    >>> BlockGibbs(n_steps=5)(RBM(16, 4), torch.zeros(2, 1, 4, 4), generator=seeded(0)).x.shape
    torch.Size([2, 1, 4, 4])
    """

    n_steps: int
    """Gibbs steps."""
    temperature: float = 1.0
    """Temperature of the distribution."""

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            raise ValueError(f"block Gibbs sampling needs n_steps >= 1: got {self.n_steps}")
        if not self.temperature > 0:
            raise ValueError(f"block Gibbs sampling needs a temperature > 0: got {self.temperature}")

    @torch.no_grad()
    def __call__(
        self,
        model: BinaryBipartite,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        if cond is not None:
            raise ValueError(
                f"block Gibbs sampling takes no condition: got one of shape {tuple(cond.shape)}; leave cond out"
            )
        form = model.normal_form()
        dtype, product_dtype = form.visible_bias.dtype, form.weight.dtype  # 0 and 1 are exact in either
        v = x.flatten(1).to(product_dtype)
        hidden_logits = form.hidden_logits(v)
        hidden_mean = self._means(hidden_logits)
        h_mean, h, reconstruction, v_mean = hidden_mean, None, v, v
        bernoulli = partial(draws.bernoulli, generator=generator, dtype=product_dtype)
        # What later steps write over is memory of their own: none of what is returned, nor the data.
        for step in range(1, self.n_steps + 1):
            if step > 1:
                h_mean = form.hidden_logits(v, out=h_mean if step > 2 else None)
                self._means(h_mean, out=h_mean)
            h = bernoulli(h_mean, out=h)
            v_mean = form.visible_logits(h, out=v_mean if step > 2 else None)
            self._means(v_mean, out=v_mean)
            v = bernoulli(v_mean, out=v if step > 1 else None)
            if step == 1:
                reconstruction = v_mean
            if trace is not None:
                trace(step, v.to(dtype, copy=True).view(x.shape))
        info = {
            "hidden_logits": hidden_logits,
            "hidden_mean": hidden_mean,
            "reconstruction": reconstruction.view(x.shape),
            "visible_mean": v_mean.view(x.shape),
        }
        return Samples(v.to(dtype).view(x.shape), nfe=2 * self.n_steps, info=info)

    def _means(self, logits: Tensor, *, out: Tensor | None = None) -> Tensor:
        """The means of units with these log-odds, written to ``out`` if given, which may be ``logits``."""
        if self.temperature != 1.0:
            logits = torch.div(logits, self.temperature, out=out)
        return torch.sigmoid(logits, out=out)
