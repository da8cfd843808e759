"""Contrastive divergence for restricted Boltzmann machines, with its gradient in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gibbsweep_models import parallel
from gibbsweep_models.nn.rbm import RBM, NormalForm
from gibbsweep_models.samplers.gibbs import BlockGibbs
from gibbsweep_models.types import Batch, Loss


@dataclass(frozen=True)
class FreeEnergyPhase:
    """Binary v (B, V), the means of h given v (B, H), both means over the batch, and the mean of ``F(v)`` in nats."""

    v: Tensor
    hidden_mean: Tensor
    v_batch_mean: Tensor
    hidden_batch_mean: Tensor
    free_energy: Tensor

    @classmethod
    def of(
        cls, form: NormalForm, v: Tensor, hidden_logits: Tensor, hidden_mean: Tensor | None = None
    ) -> FreeEnergyPhase:
        """From v and the log-odds of h given v (and its mean, if at hand), with no further matrix product."""
        n = v.shape[0]
        if hidden_mean is None:
            hidden_mean = torch.sigmoid(hidden_logits)
        # softplus(a) = relu(a) - log m, m = max(p, 1 - p) >= 1/2 for p = sigmoid(a). Its sum takes a logarithm of every
        # product of a hundred m (at least 2^-100), where softplus takes two transcendental functions a unit.
        largest = torch.maximum(hidden_mean, 1.0 - hidden_mean)
        log_sum = hidden_logits.clamp_min(0.0).sum()
        for rows in torch.split(largest, 100):
            log_sum -= rows.prod(dim=0).log_().sum()
        v_batch_mean = _mean_over_batch(v)
        free_energy = form.constant - torch.dot(v_batch_mean, form.visible_bias) - log_sum / n
        return cls(v, hidden_mean, v_batch_mean, _mean_over_batch(hidden_mean), free_energy)


@dataclass(frozen=True)
class ContrastiveFactors:
    """∇ [mean F(x_pos) - mean F(x_neg)] of a machine by W as one matrix product, ``visible.T @ hidden``, and by its
    biases.

    ``visible`` (K, V), ``hidden`` (K, H): a row for every example of both phases, with sign and share of the mean in
    ``hidden``, and two rows for the offsets of a centred machine. In half precision the difference of the phases is
    rounded, not each of two nearly equal terms.
    """

    visible: Tensor
    hidden: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor

    @classmethod
    def of(
        cls, model: RBM, x_pos: FreeEnergyPhase, x_neg: FreeEnergyPhase, dtype: torch.dtype | None = None
    ) -> ContrastiveFactors:
        """At the offsets of ``model``; ``dtype`` is that of the matrix product."""
        dtype = model.weight.dtype if dtype is None else dtype
        v_gap = x_pos.v_batch_mean - x_neg.v_batch_mean
        hidden_gap = x_pos.hidden_batch_mean - x_neg.hidden_batch_mean
        n_pos, n_neg = len(x_pos.v), len(x_neg.v)
        visible, n = [x_pos.v, x_neg.v], n_pos + n_neg
        hidden = hidden_gap.new_empty((n + 2 if model.centred else n, model.n_hidden), dtype=dtype)
        torch.mul(x_pos.hidden_mean, -1.0 / n_pos, out=hidden[:n_pos])
        torch.mul(x_neg.hidden_mean, 1.0 / n_neg, out=hidden[n_pos:n])
        if model.centred:
            visible += [model.visible_offset[None], v_gap[None]]
            hidden[n], hidden[n + 1] = hidden_gap, model.hidden_offset
        return cls(torch.cat([rows.to(dtype) for rows in visible]), hidden, v_gap.neg_(), hidden_gap.neg_())

    def gradient(self, weight: Tensor, weight_decay: float) -> tuple[Tensor, Tensor, Tensor]:
        """By (W, b, c), with ``weight_decay / 2 ‖W‖²`` added to the loss."""
        by_weight = torch.mm(self.visible.t(), self.hidden).to(weight.dtype)
        if weight_decay:
            by_weight.add_(weight, alpha=weight_decay)
        return by_weight, self.visible_bias, self.hidden_bias


def contrastive_gradient(
    model: RBM,
    x_pos: FreeEnergyPhase,
    x_neg: FreeEnergyPhase,
    *,
    weight_decay: float = 0.0,
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """∇ [mean F(x_pos) - mean F(x_neg) + weight_decay / 2 ‖W‖²] by (W, b, c), at the offsets of ``model``: one matrix
    product over both phases.

    Melchior, Fischer & Wiskott 2016. With x_neg from the model itself and no weight decay it is the gradient of the
    negative log-likelihood. ``dtype`` is that of the matrix product.
    """
    return ContrastiveFactors.of(model, x_pos, x_neg, dtype).gradient(model.weight, weight_decay)


def _mean_over_batch(x: Tensor) -> Tensor:
    """(B, ...) -> (...): a CPU takes a third of the time of ``mean`` for it."""
    return x.sum(dim=0).div_(len(x))


class HasRBM(Protocol):
    """A system around one RBM."""

    rbm: RBM


class RBMContrastiveDivergence(nn.Module):
    """CD-k (Hinton 2002) or, with ``persistent``, PCD-k (Tieleman 2008): ``mean F(x) - mean F(x_neg) + weight_decay /
    2 ‖W‖²``.

    x_neg are ``k`` Gibbs steps from the batch, or from chains that go on from update to update; these start at the
    first batch, and there stay as many. ``chains`` (N, V) are those of the global batch: each worker moves its own.
    CD-1 takes five matrix products, the last two as one in ``total.backward()``.

    A centred model's offsets slide by ``offset_rate`` towards the batch means of v and h given data before each
    gradient. Under autocast the matrix products run in its type; biases, sigmoids and sums stay in single precision.

    ``parts``: ``energy_gap``, mean F(x) - mean F(x_neg) in nats, and without persistence ``reconstruction_error``, the
    mean squared difference of x and the mean of v after one step back.
    """

    chains: Tensor

    def __init__(
        self,
        n_visible: int,
        *,
        k: int = 1,
        persistent: bool = False,
        weight_decay: float = 0.0,
        offset_rate: float = 0.01,
    ) -> None:
        super().__init__()
        if not 0.0 <= offset_rate <= 1.0:
            raise ValueError(f"offset_rate is the share of the way to the batch mean, in [0, 1]: got {offset_rate}")
        if weight_decay < 0.0:
            raise ValueError(f"weight_decay must be >= 0: got {weight_decay}")
        self.sampler = BlockGibbs(k)
        self.persistent = persistent
        self.weight_decay = weight_decay
        self.offset_rate = offset_rate
        self.register_buffer("chains", torch.empty(0, n_visible), persistent=persistent)

    def forward(self, model: RBM | HasRBM, batch: Batch, *, generator: torch.Generator) -> Loss:
        """``batch["x"]`` (B, *D) in {0, 1}; ``model`` is an RBM or a system that has one."""
        rbm = model if isinstance(model, RBM) else model.rbm
        x = rbm.flat(batch["x"])
        device_type = x.device.type
        dtype = x.dtype
        in_single_precision: AbstractContextManager[object] = nullcontext()
        if torch.is_autocast_enabled(device_type):
            dtype = torch.get_autocast_dtype(device_type)
            in_single_precision = torch.autocast(device_type, enabled=False)
        with torch.no_grad(), in_single_precision:
            form = rbm.normal_form(dtype)
            parts: dict[str, Tensor] = {}
            if self.persistent:
                hidden_logits, hidden_mean = form.hidden_logits(x), None
                v = self._advance_chains(form, x, generator)
            else:
                samples = self.sampler(form, x, generator=generator)
                hidden_logits, v = samples.info["hidden_logits"], samples.x
                hidden_mean = samples.info["hidden_mean"]
                residual = torch.linalg.vector_norm(x - samples.info["reconstruction"].view(x.shape))
                parts["reconstruction_error"] = residual.square_() / x.numel()
            x_pos = FreeEnergyPhase.of(form, x, hidden_logits, hidden_mean)
            x_neg = FreeEnergyPhase.of(form, v, form.hidden_logits(v))
            if rbm.centred and self.offset_rate:
                means = parallel.all_mean(x_pos.v_batch_mean), parallel.all_mean(x_pos.hidden_batch_mean)
                # The log-odds of half precision products would move the distribution by their rounding.
                exact = dtype == x.dtype
                mean_hidden_logits = parallel.all_mean(_mean_over_batch(hidden_logits)) if exact else None
                rbm.move_offsets(*means, self.offset_rate, mean_hidden_logits=mean_hidden_logits)
            factors = ContrastiveFactors.of(rbm, x_pos, x_neg, dtype)
            parts["energy_gap"] = x_pos.free_energy - x_neg.free_energy
            total = parts["energy_gap"]
            if self.weight_decay:
                flat = rbm.weight.flatten()
                total = total + 0.5 * self.weight_decay * torch.dot(flat, flat)
        total = _WithGradient.apply(total, factors, self.weight_decay, rbm.weight, rbm.visible_bias, rbm.hidden_bias)
        return Loss(total, parts)

    def _advance_chains(self, form: NormalForm, x: Tensor, generator: torch.Generator) -> Tensor:
        """This worker's chains after k more steps, (N / W, V)."""
        if not len(self.chains):
            self.chains = parallel.all_gather_batch(x).clone()
        world_size, rank = getattr(generator, "world_size", 1), getattr(generator, "rank", 0)
        if len(self.chains) % world_size:
            raise ValueError(
                f"{len(self.chains)} persistent chains cannot be shared by {world_size} workers evenly; "
                "resume with a number of workers that divides them"
            )
        share = len(self.chains) // world_size
        own = slice(rank * share, (rank + 1) * share)
        v = self.sampler(form, self.chains[own], generator=generator).x
        if parallel.world_size() > 1:
            self.chains = parallel.all_gather_batch(v)
        else:
            self.chains[own] = v
        return v

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take as many chains as the state has: their number is that of the first batch, unknown before it."""
        state = state_dict.get(f"{prefix}chains")
        if self.persistent and state is not None and state.shape[1:] == self.chains.shape[1:]:
            self.chains = self.chains.new_empty(state.shape)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


class _WithGradient(torch.autograd.Function):
    """The identity on ``total``, whose backward pass is one matrix product."""

    @staticmethod
    def forward(
        ctx: Any, total: Tensor, factors: ContrastiveFactors, weight_decay: float, weight: Tensor, *biases: Tensor
    ) -> Tensor:
        ctx.factors, ctx.weight_decay, ctx.weight = factors, weight_decay, weight.detach()
        return total.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.factors is None:
            raise RuntimeError(
                "this loss has been differentiated already: its gradient is handed out once, compute the loss again"
            )
        # Dropping the factors leaves autograd the only owner, so that it takes the gradients over without copying them.
        gradients = ctx.factors.gradient(ctx.weight, ctx.weight_decay)
        ctx.factors = None
        if grad_output.device.type != "cpu" or float(grad_output) != 1.0:
            for gradient in gradients:
                gradient.mul_(grad_output)
        return None, None, None, *gradients
