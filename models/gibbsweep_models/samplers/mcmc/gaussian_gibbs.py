"""Block Gibbs sampling of Gaussian-Bernoulli machines, exact and by inner Langevin steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gibbsweep_models import draws
from gibbsweep_models.types import Samples, Trace


class GaussianBipartite(Protocol):
    """Gaussian visible and binary hidden units, each side independent given the other."""

    def hidden_logits(self, v: Tensor) -> Tensor:
        """Log-odds of p(h = 1 | v): (B, *D) -> (B, *H)."""
        ...

    def visible_mean(self, h: Tensor) -> Tensor:
        """The mean of p(v | h): (B, *H) -> (B, *D)."""
        ...

    def variance(self) -> Tensor:
        """The variance of p(v | h), broadcasting to D."""
        ...


@dataclass(frozen=True)
class GaussianGibbs:
    """Block Gibbs steps h ~ p(h | v), v ~ p(v | h). ``info``: ``visible_mean`` (B, *D), the mean that the returned v
    were drawn from. ``nfe`` counts products with W.

    >>> from gibbsweep_models.nn.energies import GaussianRBM
    >>> GaussianGibbs(n_steps=5)(GaussianRBM((4,), 3), torch.zeros(2, 4), generator=seeded(0)).x.shape
    torch.Size([2, 4])
    """

    n_steps: int
    """Gibbs steps."""

    def __post_init__(self) -> None:
        _check_steps(self.n_steps)

    @torch.no_grad()
    def __call__(
        self,
        model: GaussianBipartite,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        _refuse_condition(cond)
        std = model.variance().sqrt()
        v = mean = x.detach()
        for step in range(1, self.n_steps + 1):
            h = draws.bernoulli(model.hidden_logits(v).sigmoid_(), generator=generator)
            mean = model.visible_mean(h)
            v = torch.addcmul(mean, std, draws.randn_like(mean, generator=generator))
            if trace is not None:
                trace(step, v)
        return Samples(v, nfe=2 * self.n_steps, info={"visible_mean": mean})


@dataclass(frozen=True)
class GibbsLangevin:
    """Steps of h ~ p(h | v), then ``inner_steps`` Langevin steps on the energy of v given h, from the old v (Liao et
    al. 2022, "Gaussian-Bernoulli RBMs Without Tears", algorithm 2):

    ``v <- v - s (v - m) + sqrt(2 s) σ n``,  m = E[v | h], s = ``step_size`` in units of σ².

    m does not change between the inner steps, so the ``inner_steps`` J of them are one Gaussian draw, ``m + a^J (v - m)
    + sqrt(2 s (1 - a^2J) / (1 - a²)) σ n`` with a = 1 - s, at the cost of one.

    The inner chain's stationary variance is σ² / (1 - s / 2). ``adjust`` corrects that by Metropolis-Hastings: a draw
    v' is accepted with probability min(1, exp(s / 4 (|u|² - |u'|²))), u = (v - m) / σ. It adjusts the draw of v given
    h, which leaves p(v, h) alone; Liao et al. adjust the pair (v, h), whose ratio asks for the two updates in reverse
    order and rejects more. ``info``: ``visible_mean`` and ``acceptance``.

    >>> from gibbsweep_models.nn.energies import GaussianRBM
    >>> GibbsLangevin(n_steps=5)(GaussianRBM((4,), 3), torch.zeros(2, 4), generator=seeded(0)).x.shape
    torch.Size([2, 4])
    """

    n_steps: int
    """Outer steps."""
    inner_steps: int = 10
    """Langevin steps within each."""
    step_size: float = 0.1
    """Size of a Langevin step, in units of σ²."""
    adjust: bool = True
    """Whether draws are accepted or rejected by Metropolis-Hastings."""

    def __post_init__(self) -> None:
        _check_steps(self.n_steps)
        if self.inner_steps < 1 or not 0.0 < self.step_size < 2.0:
            raise ValueError(
                f"got inner_steps={self.inner_steps}, step_size={self.step_size}; expected at least one step of a size "
                "in (0, 2), where the inner chain is stable"
            )

    @torch.no_grad()
    def __call__(
        self,
        model: GaussianBipartite,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        _refuse_condition(cond)
        s, std = self.step_size, model.variance().sqrt()
        keep = (1.0 - s) ** self.inner_steps
        spread = std * ((1.0 - keep**2) / (1.0 - s / 2.0)) ** 0.5  # 1 - a² = 2 s (1 - s / 2)
        v = mean = x.detach()
        accepted: list[Tensor] = []
        for step in range(1, self.n_steps + 1):
            h = draws.bernoulli(model.hidden_logits(v).sigmoid_(), generator=generator)
            mean = model.visible_mean(h)
            proposal = torch.lerp(mean, v, keep).addcmul_(spread, draws.randn_like(mean, generator=generator))
            if self.adjust:
                before, after = (((y - mean) / std).flatten(1).square().sum(dim=1) for y in (v, proposal))
                log_uniform = draws.rand(before.shape, generator=generator, dtype=before.dtype).log()
                moved = log_uniform < 0.25 * s * (before - after)
                accepted.append(moved.to(torch.float32).mean())
                v = torch.where(moved.view(-1, *(1,) * (v.ndim - 1)), proposal, v)
            else:
                v = proposal
            if trace is not None:
                trace(step, v)
        acceptance = torch.stack(accepted).mean() if self.adjust else torch.ones(())
        return Samples(v, nfe=2 * self.n_steps, info={"visible_mean": mean, "acceptance": acceptance.to(v.device)})


def _check_steps(n_steps: int) -> None:
    if n_steps < 1:
        raise ValueError(f"Gibbs sampling needs n_steps >= 1: got {n_steps}")


def _refuse_condition(cond: Tensor | None) -> None:
    if cond is not None:
        raise ValueError(f"Gibbs sampling takes no condition: got one of shape {tuple(cond.shape)}; leave cond out")
