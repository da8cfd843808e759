"""The gradient of contrastive divergence for restricted Boltzmann machines in closed form.

B = batch, V = visible units, H = hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.nn.energies.rbm import RBM, NormalForm

OuterProducts = tuple[Tensor, Tensor, float]
"""A sum of K outer products, ``scale * visible.T @ hidden``: (K, V), (K, H), scale."""


@dataclass(frozen=True)
class FreeEnergyPhase:
    """One half of contrastive divergence: binary v with the means of h given v."""

    v: Tensor
    """(B, V)."""
    hidden_mean: Tensor
    """Means of h given v, (B, H)."""
    v_batch_mean: Tensor
    """Mean of v over the batch, (V,)."""
    hidden_batch_mean: Tensor
    """Mean of ``hidden_mean`` over the batch, (H,)."""
    hidden_term: Tensor
    """The mean of ``Σ softplus(log-odds of h)``, (): ``-F(v)`` is that and what is linear in v."""

    @classmethod
    def of(cls, v: Tensor, hidden_logits: Tensor, hidden_mean: Tensor | None = None) -> FreeEnergyPhase:
        """The phase from v and the log-odds of h given v (and its mean, if at hand), with no further matrix product."""
        if hidden_mean is None:
            hidden_mean = torch.sigmoid(hidden_logits)
        hidden_term = _sum_softplus(hidden_logits, hidden_mean).div_(len(v))
        return cls(v, hidden_mean, mean_over_batch(v), mean_over_batch(hidden_mean), hidden_term)


@dataclass(frozen=True)
class ContrastiveFactors:
    """∇ [mean F(x_pos) - mean F(x_neg)] of a machine by W as sums of outer products, and by its biases."""

    terms: list[OuterProducts]
    """A row for every example of each phase, and with the second two rows for the offsets of a centred machine."""
    visible_bias: Tensor
    """The gradient by b, (V,)."""
    hidden_bias: Tensor
    """The gradient by c, (H,)."""
    dtype: torch.dtype
    """Type of the matrix products."""

    @classmethod
    def of(
        cls, model: RBM, x_pos: FreeEnergyPhase, x_neg: FreeEnergyPhase, dtype: torch.dtype | None = None
    ) -> ContrastiveFactors:
        """The factors at the offsets of ``model``."""
        by_visible_bias = x_neg.v_batch_mean - x_pos.v_batch_mean
        by_hidden_bias = x_neg.hidden_batch_mean - x_pos.hidden_batch_mean
        n_pos, n_neg = len(x_pos.v), len(x_neg.v)
        v, hidden_mean = x_neg.v, x_neg.hidden_mean
        if model.centred:
            # Melchior et al. 2016: ∇W centred = ∇W - μ ∇cᵀ - ∇b λᵀ, as two more rows: a product of its own would pass
            # over W once more.
            v = torch.cat([v, model.visible_offset[None], by_visible_bias[None]])
            offsets = torch.stack([by_hidden_bias, model.hidden_offset]).mul_(-n_neg)
            hidden_mean = torch.cat([hidden_mean, offsets])
        terms: list[OuterProducts] = [(x_pos.v, x_pos.hidden_mean, -1.0 / n_pos), (v, hidden_mean, 1.0 / n_neg)]
        return cls(terms, by_visible_bias, by_hidden_bias, model.weight.dtype if dtype is None else dtype)

    def gradient(self, weight: Tensor, weight_decay: float) -> tuple[Tensor, Tensor, Tensor]:
        """The gradient by (W, b, c), with ``weight_decay / 2 ‖W‖²`` added to the loss."""
        if self.dtype == weight.dtype:
            (visible, hidden, scale), *others = self.terms
            by_weight = torch.addmm(weight, visible.t(), hidden, beta=weight_decay, alpha=scale)  # beta 0: not read
            for visible, hidden, scale in others:
                by_weight.addmm_(visible.t(), hidden, alpha=scale)
        else:
            by_weight = self._rounded_once().to(weight.dtype)
            if weight_decay:
                by_weight.add_(weight, alpha=weight_decay)
        return by_weight, self.visible_bias, self.hidden_bias

    def _rounded_once(self) -> Tensor:
        """All terms as one product: in half precision their sum is rounded, not each of two nearly equal terms."""
        visible = torch.cat([v.to(self.dtype) for v, _, _ in self.terms])
        hidden = torch.cat([h.mul(scale).to(self.dtype) for _, h, scale in self.terms])
        return torch.mm(visible.t(), hidden)


def energy_gap(form: NormalForm, x_pos: FreeEnergyPhase, x_neg: FreeEnergyPhase) -> Tensor:
    """``mean F(x_pos) - mean F(x_neg)`` in nats: (). The constant of F cancels."""
    linear = torch.dot(x_neg.v_batch_mean - x_pos.v_batch_mean, form.visible_bias)
    return linear.add_(x_neg.hidden_term).sub_(x_pos.hidden_term)


def contrastive_gradient(
    model: RBM,
    x_pos: FreeEnergyPhase,
    x_neg: FreeEnergyPhase,
    *,
    weight_decay: float = 0.0,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """∇ [mean F(x_pos) - mean F(x_neg) + weight_decay / 2 ‖W‖²] by (W, b, c), at the offsets of ``model``.

    Melchior, Fischer & Wiskott 2016. With x_neg from the model itself and no weight decay it is the gradient of the
    negative log-likelihood. ``dtype`` is that of the matrix products.
    """
    return ContrastiveFactors.of(model, x_pos, x_neg, dtype).gradient(model.weight, weight_decay)


def mean_over_batch(x: Tensor) -> Tensor:
    """The mean over the first axis, (B, ...) -> (...), which takes a CPU a third of the time of ``mean``."""
    return x.sum(dim=0).div_(len(x))


def _sum_softplus(logits: Tensor, mean: Tensor) -> Tensor:
    """``Σ softplus(logits)`` over all units (B, H), with ``mean = sigmoid(logits)`` at hand.

    softplus(a) = relu(a) - log m, m = max(p, 1 - p) >= 1/2 for p = sigmoid(a): a logarithm of every product of a
    hundred m (at least 2^-100) takes the place of two transcendental functions a unit.
    """
    scratch = torch.sub(1.0, mean)
    torch.maximum(scratch, mean, out=scratch)
    if len(scratch) <= 100:
        products = scratch.prod(dim=0)
    else:
        products = torch.cat([rows.prod(dim=0) for rows in torch.split(scratch, 100)])
    log_sum = products.log_().sum()
    return torch.clamp_min(logits, 0.0, out=scratch).sum().sub_(log_sum)
