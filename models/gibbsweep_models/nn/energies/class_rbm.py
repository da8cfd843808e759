"""The restricted Boltzmann machine over examples and their classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models import draws


class ClassRBM(nn.Module):
    """E(v, y, h) = -v·b - d_y - h·c - vᵀ W h - U_y·h over v in {0, 1}^V, h in {0, 1}^H and one class y of K (Larochelle
    & Bengio, "Classification using Discriminative Restricted Boltzmann Machines", 2008, equation 1).

    Calling it gives the free energy in nats, (B, *D) -> (B,): with labels F(v, y) = -log Σ_h exp(-E(v, y, h)), without
    F(v) = -log Σ_y exp(-F(v, y)).

    >>> machine = ClassRBM(n_visible=16, n_hidden=4, n_classes=3)
    >>> machine(torch.zeros(5, 1, 4, 4)).shape, machine.logits(torch.zeros(5, 1, 4, 4)).shape
    (torch.Size([5]), torch.Size([5, 3]))
    """

    def __init__(self, n_visible: int, n_hidden: int, n_classes: int, *, initial_weight_scale: float = 0.01) -> None:
        super().__init__()
        if min(n_visible, n_hidden, n_classes) < 1:
            raise ValueError(
                f"got {n_visible} visible, {n_hidden} hidden units and {n_classes} classes, expected at least 1 of "
                "each; raise the one that is 0"
            )
        self.n_visible, self.n_hidden, self.n_classes = n_visible, n_hidden, n_classes
        self.weight = nn.Parameter(initial_weight_scale * torch.randn(n_visible, n_hidden))
        self.label_weight = nn.Parameter(initial_weight_scale * torch.randn(n_classes, n_hidden))
        self.visible_bias = nn.Parameter(torch.zeros(n_visible))
        self.hidden_bias = nn.Parameter(torch.zeros(n_hidden))
        self.label_bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, x: Tensor, cond: Tensor | None = None) -> Tensor:
        """F(x), or F(x, y) of the classes ``cond`` (B,) int64: (B, *D) -> (B,)."""
        energies = self.free_energies(x)
        if cond is None:
            return -torch.logsumexp(-energies, dim=1)
        return energies.gather(1, cond.unsqueeze(1)).squeeze(1)

    def free_energies(self, x: Tensor) -> Tensor:
        """F(x, y) for every y: (B, *D) -> (B, K)."""
        v = self.flat(x)
        units = F.softplus(self._hidden_input(v).unsqueeze(1) + self.label_weight).sum(dim=2)
        return -(units + self.label_bias) - (v @ self.visible_bias).unsqueeze(1)

    def logits(self, x: Tensor) -> Tensor:
        """log p(y | x) up to a constant of x, by enumerating y (equation 2): (B, *D) -> (B, K)."""
        return -self.free_energies(x)

    def joint_energy(self, v: Tensor, y: Tensor, h: Tensor) -> Tensor:
        """E(v, y, h): (B, V), (B,) int64, (B, H) -> (B,)."""
        hidden_input = self._hidden_input(v) + self.label_weight[y]
        return -(v @ self.visible_bias) - self.label_bias[y] - (hidden_input * h).sum(dim=1)

    def flat(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, V), in the type of the parameters."""
        v = x.flatten(1)
        if v.shape[1] != self.n_visible:
            raise ValueError(
                f"got x {tuple(x.shape)}, {v.shape[1]} flattened, expected {self.n_visible} visible units; build the "
                "RBM for this data"
            )
        return v.to(self.weight.dtype)

    @torch.no_grad()
    def sample_label(self, v: Tensor, *, generator: torch.Generator) -> Tensor:
        """y ~ p(y | v) with h summed out: (B, V) -> (B,) int64."""
        logits = self.logits(v)
        uniform = draws.rand(logits.shape, generator=generator, dtype=logits.dtype)
        # The largest of logits plus Gumbel noise; the noise of a uniform 0 is -infinity, which never wins.
        return torch.argmax(logits - torch.log(-torch.log(uniform)), dim=1)

    @torch.no_grad()
    def sample_hidden(self, v: Tensor, y: Tensor, *, generator: torch.Generator) -> Tensor:
        """h ~ p(h | v, y): (B, V), (B,) int64 -> (B, H)."""
        return draws.bernoulli(torch.sigmoid(self._hidden_input(v) + self.label_weight[y]), generator=generator)

    @torch.no_grad()
    def visible_mean(self, h: Tensor) -> Tensor:
        """The mean of v given h, whatever y: (B, H) -> (B, V)."""
        return torch.sigmoid(torch.addmm(self.visible_bias, h, self.weight.T))

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Set the visible bias to the log-odds of the mean of ``x`` (N, *D), within [.001, .999]."""
        self.visible_bias.copy_(torch.logit(self.flat(x).mean(dim=0), eps=1e-3))

    def _hidden_input(self, v: Tensor) -> Tensor:
        return torch.addmm(self.hidden_bias, v, self.weight)
