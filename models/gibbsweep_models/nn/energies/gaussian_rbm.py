"""Restricted Boltzmann machines with Gaussian visible and binary hidden units: dense, and convolutional.

B = batch, D = the shape of the visible units, H = the shape of the hidden units.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.gradients import refuse_condition


class GaussianBernoulli(nn.Module):
    """The energy of both machines, with a linear map W from hidden to visible units and its transpose Wᵀ:

    ``E(v, h) = Σ_i (v_i - μ_i)² / (2 σ_i²) - h · Wᵀ(v / σ²) - h · c``  (Liao et al. 2022, equation 1),

    so that ``p(v | h) = N(μ + W h, σ²)``, ``p(h = 1 | v) = sigmoid(Wᵀ(v / σ²) + c)``, and summing over h gives ``F(v) =
    Σ_i (v_i - μ_i)² / (2 σ_i²) - Σ_j softplus((Wᵀ(v / σ²) + c)_j)``, which calling the machine returns in nats: (B, *D)
    -> (B,).

    σ² = ``smallest_variance`` + exp(``log_variance``) is learned: without the first term a unit that data leaves
    constant would have an unbounded density.
    """

    visible_bias: Tensor
    """μ, broadcasting to D."""
    log_variance: Tensor
    """ln(σ² - ``smallest_variance``), broadcasting to D."""
    hidden_bias: Tensor
    """c, broadcasting to H."""

    def __init__(
        self, shape: tuple[int, ...], hidden_shape: tuple[int, ...], smallest_variance: float, learn_variance: bool
    ) -> None:
        super().__init__()
        if not 0.0 <= smallest_variance < 1.0:
            raise ValueError(f"got smallest_variance {smallest_variance}, expected one in [0, 1); variances start at 1")
        self.shape = tuple(shape)
        self.hidden_shape = hidden_shape
        self.smallest_variance = smallest_variance
        self.learn_variance = learn_variance

    def _add_biases(self, visible: tuple[int, ...], hidden: tuple[int, ...]) -> None:
        self.visible_bias = nn.Parameter(torch.zeros(visible))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        log_variance = torch.full(visible, math.log(1.0 - self.smallest_variance))
        if self.learn_variance:
            self.log_variance = nn.Parameter(log_variance)
        else:
            self.register_buffer("log_variance", log_variance)

    @torch.no_grad()
    def initialise(self, v: Tensor) -> None:
        """Set μ and, where it is learned, σ² by examples (N, *D), as if there were no hidden units; σ² stays above
        twice its smallest value."""
        shared = [0, *(i + 1 for i, n in enumerate(self.visible_bias.shape) if n == 1)]
        mean = v.mean(dim=shared, keepdim=True)[0]
        self.visible_bias.copy_(mean)
        if self.learn_variance:
            variance = (v - mean).square().mean(dim=shared, keepdim=True)[0]
            self.log_variance.copy_(
                (variance - self.smallest_variance).clamp_min(max(self.smallest_variance, 1e-6)).log()
            )

    def to_hidden(self, v: Tensor) -> Tensor:
        """Wᵀ v: (B, *D) -> (B, *H)."""
        raise NotImplementedError(f"{type(self).__name__} must define to_hidden()")

    def to_visible(self, h: Tensor) -> Tensor:
        """W h: (B, *H) -> (B, *D)."""
        raise NotImplementedError(f"{type(self).__name__} must define to_visible()")

    def variance(self) -> Tensor:
        """σ², broadcasting to D."""
        return self.smallest_variance + self.log_variance.exp()

    def hidden_logits(self, v: Tensor) -> Tensor:
        """Log-odds of p(h = 1 | v): (B, *D) -> (B, *H)."""
        return self.to_hidden(v / self.variance()).to(self.hidden_bias.dtype) + self.hidden_bias

    def visible_mean(self, h: Tensor) -> Tensor:
        """The mean of p(v | h): (B, *H) -> (B, *D)."""
        return self.to_visible(h).to(self.visible_bias.dtype) + self.visible_bias

    def quadratic(self, v: Tensor) -> Tensor:
        """Σ_i (v_i - μ_i)² / (2 σ_i²): (B, *D) -> (B,)."""
        return 0.5 * ((v - self.visible_bias).square() / self.variance()).flatten(1).sum(dim=1)

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """The free energy F(v): (B, *D) -> (B,)."""
        refuse_condition(cond, self)
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the machine with the "
                "data's shape"
            )
        return self.quadratic(x) - F.softplus(self.hidden_logits(x)).flatten(1).sum(dim=1)

    def joint_energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h): (B, *D), (B, *H) -> (B,)."""
        return self.quadratic(v) - (self.hidden_logits(v) * h).flatten(1).sum(dim=1)


class GaussianRBM(GaussianBernoulli):
    """A machine whose hidden units all see every visible one: W (V, H), V the number of visible units, σ and μ one for
    each.

    >>> machine = GaussianRBM((1, 4, 4), n_hidden=5)
    >>> machine(torch.zeros(3, 1, 4, 4)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_hidden: int,
        *,
        initial_weight_scale: float = 0.01,
        smallest_variance: float = 0.01,
        learn_variance: bool = True,
    ) -> None:
        super().__init__(shape, (n_hidden,), smallest_variance, learn_variance)
        n_visible = math.prod(shape)
        if n_visible < 1 or n_hidden < 1:
            raise ValueError(f"a machine needs units on each side: got {n_visible} visible and {n_hidden} hidden")
        self.weight = nn.Parameter(torch.randn(n_visible, n_hidden) * initial_weight_scale)
        self._add_biases(self.shape, (n_hidden,))

    def to_hidden(self, v: Tensor) -> Tensor:
        return torch.mm(v.flatten(1), self.weight)

    def to_visible(self, h: Tensor) -> Tensor:
        return torch.mm(h, self.weight.t()).view(-1, *self.shape)


class ConvGaussianRBM(GaussianBernoulli):
    """Hidden maps (K, H', W') whose filters (K, C, r, r) are shared over the image, without pooling: Lee et al.,
    "Convolutional Deep Belief Networks" (2009), section 2.2, with a stride.

    Filters stay inside the image ("valid"); c is one number a map, μ and σ one a channel. With ``zero_mean`` each
    filter is taken without its mean over the square, so that hidden units say nothing of an image's mean colour, which
    is that of p(v): in white coordinates, which magnify it, the filters' means would drive chains off to one colour.

    >>> machine = ConvGaussianRBM((1, 6, 6), n_maps=3, kernel_size=4, stride=2)
    >>> machine(torch.zeros(3, 1, 6, 6)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_maps: int,
        kernel_size: int = 8,
        stride: int = 4,
        *,
        zero_mean: bool = True,
        initial_weight_scale: float = 0.01,
        smallest_variance: float = 0.01,
        learn_variance: bool = True,
    ) -> None:
        if len(shape) != 3 or min(shape[1:]) < kernel_size:
            raise ValueError(
                f"a convolutional machine with filters of {kernel_size} needs images (C, H, W) at least as large: got "
                f"{tuple(shape)}; use smaller filters, or a dense machine"
            )
        if any(n % stride for n in (kernel_size, *shape[1:])):
            raise ValueError(
                f"got stride {stride} for filters of {kernel_size} on {tuple(shape)}; expected one that divides the "
                "filter and the image, so that no border stays unseen"
            )
        size = tuple((n - kernel_size) // stride + 1 for n in shape[1:])
        super().__init__(shape, (n_maps, *size), smallest_variance, learn_variance)
        self.stride = stride
        self.zero_mean = zero_mean
        self.weight = nn.Parameter(torch.randn(n_maps, shape[0], kernel_size, kernel_size) * initial_weight_scale)
        self._add_biases((shape[0], 1, 1), (n_maps, 1, 1))

    def filters(self) -> Tensor:
        """The filters (K, C, r, r)."""
        if not self.zero_mean:
            return self.weight
        return self.weight - self.weight.mean(dim=(2, 3), keepdim=True)

    def to_hidden(self, v: Tensor) -> Tensor:
        return F.conv2d(v, self.filters(), stride=self.stride)

    def to_visible(self, h: Tensor) -> Tensor:
        # Over blocks of stride × stride pixels it has stride 1, which a CPU computes three times as fast.
        blocks = F.conv_transpose2d(h, F.pixel_unshuffle(self.filters(), self.stride))
        return F.pixel_shuffle(blocks, self.stride)
