"""The Bernoulli-Bernoulli restricted Boltzmann machine, normal or centred.

B = batch, V = visible units, H = hidden units.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gibbsweep_models import draws


@dataclass(frozen=True)
class NormalForm:
    """A machine without offsets, ``E(v, h) = constant - v·b - h·c - vᵀ W h``: what every conditional needs, computed
    once."""

    weight: Tensor
    """W, (V, H); where it is in half precision the matrix products are, and the additions to them are not."""
    visible_bias: Tensor
    """b, (V,)."""
    hidden_bias: Tensor
    """c, (H,)."""
    constant: Tensor
    """The constant of the energy, ()."""

    def normal_form(self) -> NormalForm:
        return self

    def hidden_logits(self, v: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Log-odds of p(h = 1 | v): (B, V) -> (B, H), written to ``out`` if given."""
        return _affine(v, self.weight, self.hidden_bias, out)

    def visible_logits(self, h: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Log-odds of p(v = 1 | h): (B, H) -> (B, V), written to ``out`` if given."""
        return _affine(h, self.weight.t(), self.visible_bias, out)

    def free_energy(self, v: Tensor) -> Tensor:
        """``F(v) = -log Σ_h exp(-E(v, h))``: (B, V) -> (B,)."""
        return self.constant - v @ self.visible_bias - F.softplus(self.hidden_logits(v)).sum(dim=1)


class RBM(nn.Module):
    """A restricted Boltzmann machine over v in {0, 1}^V and h in {0, 1}^H with offsets μ and λ:

    ``E(v, h) = -(v - μ)·b - (h - λ)·c - (v - μ)ᵀ W (h - λ)``.

    With μ = λ = 0 it is the normal machine; with the offsets near the means of v and h it is the centred one, whose
    gradient does not depend on whether the data is inverted (Melchior, Fischer & Wiskott 2016, "How to Center Deep
    Boltzmann Machines"). The two describe the same distributions. Calling it gives the free energy in nats: (B, *D) ->
    (B,).

    >>> machine = RBM(n_visible=16, n_hidden=4)
    >>> machine(torch.zeros(5, 1, 4, 4)).shape
    torch.Size([5])
    """

    visible_offset: Tensor
    """μ, (V,)."""
    hidden_offset: Tensor
    """λ, (H,)."""

    def __init__(
        self, n_visible: int, n_hidden: int, *, centred: bool = True, initial_weight_scale: float = 0.01
    ) -> None:
        super().__init__()
        if n_visible < 1 or n_hidden < 1:
            raise ValueError(
                f"an RBM needs at least one unit on each side: got {n_visible} visible and {n_hidden} hidden"
            )
        self.n_visible = n_visible
        self.n_hidden = n_hidden
        self.centred = centred
        self.weight = nn.Parameter(torch.randn(n_visible, n_hidden) * initial_weight_scale)
        self.visible_bias = nn.Parameter(torch.zeros(n_visible))
        self.hidden_bias = nn.Parameter(torch.zeros(n_hidden))
        offset = 0.5 if centred else 0.0
        self.register_buffer("visible_offset", torch.full((n_visible,), offset))
        self.register_buffer("hidden_offset", torch.full((n_hidden,), offset))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The free energy ``F(v) = -log Σ_h exp(-E(v, h))``: (B, *D) -> (B,)."""
        if cond is not None:
            raise ValueError(f"an RBM models p(x) alone: got a condition of shape {tuple(cond.shape)}; leave cond out")
        return self.normal_form().free_energy(self.flat(x))

    def flat(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, V), in the type of the parameters."""
        v = x.flatten(1)
        if v.shape[1] != self.n_visible:
            raise ValueError(
                f"this RBM has {self.n_visible} visible units: got x of shape {tuple(x.shape)}, "
                f"{v.shape[1]} flattened; build the RBM for this data"
            )
        return v.to(self.weight.dtype)

    def normal_form(self, dtype: torch.dtype | None = None) -> NormalForm:
        """The same distribution without offsets. ``dtype`` is that of the matrix products: by default autocast's, if
        it is on."""
        weight: Tensor = self.weight
        b: Tensor = self.visible_bias
        c: Tensor = self.hidden_bias
        device_type = weight.device.type
        if torch.is_autocast_enabled(device_type):
            dtype = torch.get_autocast_dtype(device_type) if dtype is None else dtype
            with torch.autocast(device_type, enabled=False):
                return self.normal_form(dtype)
        if self.centred:
            mu, lam = self.visible_offset, self.hidden_offset
            # On a CPU, mm is twice as fast as a vector times a matrix, and so is mv as addmv.
            c = c - torch.mm(mu[None], weight)[0]
            constant = torch.dot(mu, b) + torch.dot(lam, c)
            b = b - torch.mv(weight, lam)
        else:
            constant = weight.new_zeros(())
        return NormalForm(weight if dtype is None else weight.to(dtype), b, c, constant)

    def hidden_logits(self, v: Tensor) -> Tensor:
        """Log-odds of p(h = 1 | v), ``(v - μ) W + c``: (B, V) -> (B, H)."""
        return self.normal_form().hidden_logits(v)

    def visible_logits(self, h: Tensor) -> Tensor:
        """Log-odds of p(v = 1 | h), ``(h - λ) Wᵀ + b``: (B, H) -> (B, V)."""
        return self.normal_form().visible_logits(h)

    def joint_energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h): (B, V), (B, H) -> (B,)."""
        v, h = v - self.visible_offset, h - self.hidden_offset
        return -(v @ self.visible_bias) - h @ self.hidden_bias - ((v @ self.weight) * h).sum(dim=1)

    @torch.no_grad()
    def sample_hidden(self, v: Tensor, *, generator: torch.Generator) -> Tensor:
        """h ~ p(h | v): (B, V) -> (B, H)."""
        return draws.bernoulli(self.hidden_logits(v).sigmoid_(), generator=generator)

    @torch.no_grad()
    def sample_visible(self, h: Tensor, *, generator: torch.Generator) -> Tensor:
        """v ~ p(v | h): (B, H) -> (B, V)."""
        return draws.bernoulli(self.visible_logits(h).sigmoid_(), generator=generator)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Set the visible bias to the log-odds of the mean of examples (N, *D), within [.001, .999], and if centred μ
        to the mean."""
        mean = self.flat(x).mean(dim=0)
        self.visible_bias.copy_(torch.logit(mean, eps=1e-3))
        if self.centred:
            self.visible_offset.copy_(mean)

    @torch.no_grad()
    def move_offsets(
        self, visible_mean: Tensor, hidden_mean: Tensor, rate: float, *, mean_hidden_logits: Tensor | None = None
    ) -> None:
        """Slide μ (V,) and λ (H,) towards the given means by ``rate`` in [0, 1] and change the biases so that p(v, h)
        stays the same.

        ``mean_hidden_logits`` (H,), those of any examples with the mean ``visible_mean``, save a matrix product: c
        slides towards them by ``rate``, since they are ``(visible_mean - μ) W + c``.
        """
        if not self.centred:
            raise ValueError("a normal RBM has no offsets to move: build it with centred=True")
        if mean_hidden_logits is None:
            gap = visible_mean - self.visible_offset
            mean_hidden_logits = self.hidden_bias + torch.mm(gap[None], self.weight)[0]
        self.hidden_bias.lerp_(mean_hidden_logits, rate)
        self.visible_bias.add_(torch.mv(self.weight, hidden_mean - self.hidden_offset), alpha=rate)
        self.visible_offset.lerp_(visible_mean, rate)
        self.hidden_offset.lerp_(hidden_mean, rate)


def _affine(x: Tensor, weight: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
    if weight.dtype == bias.dtype:
        return torch.addmm(bias, x, weight, out=out)
    product = torch.mm(x.to(weight.dtype), weight)
    return (product.to(bias.dtype) if out is None else out.copy_(product)).add_(bias)
