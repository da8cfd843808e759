"""Contrastive divergence for restricted Boltzmann machines, with its gradient in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gibbsweep_models import parallel
from gibbsweep_models.nn.energies.rbm import RBM, NormalForm
from gibbsweep_models.objectives.cd.rbm_gradient import ContrastiveFactors, FreeEnergyPhase, energy_gap, mean_over_batch
from gibbsweep_models.samplers.mcmc.gibbs import BlockGibbs
from gibbsweep_models.types import Batch, Loss, Samples


class HasRBM(Protocol):
    """A system around one RBM."""

    rbm: RBM


class RBMContrastiveDivergence(nn.Module):
    """CD-k (Hinton 2002) or, with ``persistent``, PCD-k (Tieleman 2008): ``mean F(x) - mean F(x_neg) + weight_decay / 2
    ‖W‖²``.

    x_neg are ``k`` Gibbs steps from the batch, or from chains that go on from update to update; these start at the
    first batch, as many as it has examples. CD-1 takes five matrix products, the last two as one in
    ``total.backward()``.

    A centred model's offsets slide by ``offset_rate`` towards the batch means of v and h given data before each
    gradient. Under autocast the matrix products run in its type; biases, sigmoids and sums stay in single precision.
    Parts: ``energy_gap``, mean F(x) - mean F(x_neg) in nats, and without persistence ``reconstruction_error``, the mean
    squared difference of x and the mean of v after one step back.

    >>> from gibbsweep_models.draws import bernoulli
    >>> x = bernoulli(torch.full((8, 16), 0.5), generator=seeded(1))
    >>> loss = RBMContrastiveDivergence(16, k=1)(RBM(16, 4), {"x": x}, generator=seeded(0))
    >>> sorted(loss.parts)
    ['energy_gap', 'reconstruction_error']
    """

    chains: Tensor
    """Persistent chains of the global batch, (N, V); each worker moves its own."""
    age: Tensor
    """Steps that they have made, a scalar, int64."""

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
        self.register_buffer("age", torch.zeros((), dtype=torch.int64), persistent=persistent)

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
                samples = self._advanced_chains(form, x, generator)
                self.age += self.sampler.n_steps
                parts["chain_age"] = self.age.float()
            else:
                samples = self.sampler(form, x, generator=generator)
                hidden_logits = samples.info["hidden_logits"]
                hidden_mean = samples.info["hidden_mean"]
                residual = samples.info["reconstruction"].view(x.shape).sub_(x).flatten()
                parts["reconstruction_error"] = torch.dot(residual, residual) / x.numel()
            x_pos = FreeEnergyPhase.of(x, hidden_logits, hidden_mean)
            x_neg = FreeEnergyPhase.of(samples.x, form.hidden_logits(samples.x))
            if rbm.centred and self.offset_rate:
                means = parallel.all_mean(x_pos.v_batch_mean), parallel.all_mean(x_pos.hidden_batch_mean)
                # The log-odds of half precision products would move the distribution by their rounding.
                exact = dtype == x.dtype
                mean_hidden_logits = parallel.all_mean(mean_over_batch(hidden_logits)) if exact else None
                rbm.move_offsets(*means, self.offset_rate, mean_hidden_logits=mean_hidden_logits)
            factors = ContrastiveFactors.of(rbm, x_pos, x_neg, dtype)
            total = parts["energy_gap"] = energy_gap(form, x_pos, x_neg)
            if self.weight_decay:
                flat = rbm.weight.flatten()
                total = total + 0.5 * self.weight_decay * torch.dot(flat, flat)
        parameters = rbm.weight, rbm.visible_bias, rbm.hidden_bias
        total = _WithGradient.apply(total, factors, self.weight_decay, *parameters)

        def gradients() -> Iterator[tuple[nn.Parameter, Tensor]]:
            return zip(parameters, factors.gradient(rbm.weight.detach(), self.weight_decay), strict=True)

        return Loss(total, parts, gradients, samples.nfe)

    def _advanced_chains(self, form: NormalForm, x: Tensor, generator: torch.Generator) -> Samples:
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
        mine = slice(rank * share, (rank + 1) * share)
        samples = self.sampler(form, self.chains[mine], generator=generator)
        if parallel.world_size() > 1:
            self.chains = parallel.all_gather_batch(samples.x)
        else:
            self.chains[mine] = samples.x
        return samples

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
