"""The Metropolis-adjusted Langevin algorithm: Langevin dynamics without discretisation bias."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from gibbsweep_models.samplers.mcmc.transitions import mala_state, mala_transition
from gibbsweep_models.types import EnergyFn, Samples, Trace


@dataclass(frozen=True)
class MALA:
    """Metropolis-adjusted Langevin transitions; the stationary density is exp(-E / temperature) exactly.

    Proposal x - step_size * grad E / temperature + sqrt(2 step_size) n: at temperature 1 the drift of
    :class:`~gibbsweep_models.samplers.mcmc.langevin.Langevin`. ``info``: ``acceptance``, the accepted fraction over
    steps and chains (0.574 is optimal in high dimension: Roberts & Rosenthal 1998), and ``energy``, the chains' mean at
    the end.

    >>> sampler = MALA(n_steps=10, step_size=0.1)
    >>> sampler(lambda x, cond=None: x.square().sum(1) / 2, torch.zeros(5, 2), generator=seeded(0)).x.shape
    torch.Size([5, 2])
    """

    n_steps: int
    """Transitions."""
    step_size: float
    """Factor of the gradient in a proposal."""
    temperature: float = 1.0
    """Temperature of the stationary density."""
    clamp: tuple[float, float] | None = None
    """Interval per component that the density is restricted to: proposals outside are rejected, never projected; None
    for none."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.step_size <= 0 or self.temperature <= 0:
            raise ValueError(
                f"got n_steps={self.n_steps}, step_size={self.step_size}, temperature={self.temperature}; "
                "expected n_steps >= 1, step_size > 0, temperature > 0; correct the one that is out of range"
            )
        if self.clamp is not None and self.clamp[0] >= self.clamp[1]:
            raise ValueError(
                f"got clamp={self.clamp}, expected (low, high) with low < high; swap the bounds or pass None"
            )

    def __call__(
        self,
        model: EnergyFn,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
    ) -> Samples:
        """Move the chains ``x`` (B, *D), which must start inside ``clamp``; ``nfe`` counts the evaluation of the
        start."""
        if self.clamp is not None and bool(((x < self.clamp[0]) | (x > self.clamp[1])).any()):
            raise ValueError(
                f"got chains in [{float(x.min()):.4g}, {float(x.max()):.4g}], expected a start inside {self.clamp}; "
                "clamp the start or widen the interval"
            )
        accepted: list[Tensor] = []
        with parametrize.cached():
            state = mala_state(model, x, cond)
            for step in range(1, self.n_steps + 1):
                state, moved = mala_transition(
                    model,
                    state,
                    step_size=self.step_size,
                    beta=1.0 / self.temperature,
                    box=self.clamp,
                    generator=generator,
                    cond=cond,
                )
                accepted.append(moved.to(torch.float32).mean())
                if trace is not None:
                    trace(step, state.x)
        info = {"acceptance": torch.stack(accepted).mean(), "energy": state.energy.mean()}
        return Samples(state.x, nfe=self.n_steps + 1, info=info)
