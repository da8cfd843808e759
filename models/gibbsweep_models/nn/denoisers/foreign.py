"""Networks of other conventions as denoisers: the border at which their time and scale are converted."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.noise.timed import TimedSchedule


class ForeignEps(nn.Module):
    """D(x; sigma) = x - sigma eps(s x, t): a denoiser from a network with a time t of ``schedule`` as input that sees
    x_t = s (x_0 + sigma n), as DDPM's and the variance-preserving ones of Song et al. (2021) do.

    ``label``: the network's own form of t (DDPM's step number is t times their number less one, a
    :class:`~gibbsweep_models.noise.ladder.DDPMLadder`'s rung); None: t itself.

    >>> from gibbsweep_models.nn.noise_networks import VectorNet
    >>> from gibbsweep_models.noise import VPSchedule
    >>> denoiser = ForeignEps(VectorNet((2,), width=8), VPSchedule())
    >>> denoiser(torch.zeros(3, 2), torch.ones(3)).shape
    torch.Size([3, 2])
    """

    def __init__(
        self, network: nn.Module, schedule: TimedSchedule, label: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.network = network
        self.schedule = schedule
        self.label = label

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """E[x_0 | x] (B, *D) of ``x`` (B, *D) at ``sigma`` (B,) in data units."""
        t = self.schedule.time(sigma)
        label = t if self.label is None else self.label(t)
        eps: Tensor = self.network(expand_like(self.schedule.scale(sigma), x) * x, label, cond)
        return x - expand_like(sigma, x) * eps
