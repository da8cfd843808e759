"""Unadjusted Langevin dynamics on an energy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import parametrize

from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.types import EnergyFn, Samples, Trace


@dataclass(frozen=True)
class Langevin:
    """x <- x - step_size * grad E(x) + sqrt(2 * step_size * temperature) * n,  n ~ N(0, I), ``n_steps`` times.

    The stationary density of the exact dynamics dx = -grad E dt + sqrt(2 T) dw is exp(-E / temperature). On a Gaussian
    of variance s² the chain's stationary variance is temperature * s² / (1 - step_size / (2 s²)). ``gradient_clip`` and
    ``clamp`` change the stationary density; neither is on by default. ``info``: ``gradient_norm``, the mean over steps
    and chains before clipping, and ``energy``, the chains' mean before the last step.

    >>> sampler = Langevin(n_steps=100, step_size=0.01)
    >>> samples = sampler(lambda x, cond=None: x.square().sum(1) / 2, torch.zeros(5, 2), generator=seeded(0))
    >>> samples.x.shape, samples.nfe
    (torch.Size([5, 2]), 100)
    """

    n_steps: int
    """Steps."""
    step_size: float
    """Factor of the whole gradient: the time step of the dynamics. (Song & Ermon's eps is 2 * step_size.)"""
    temperature: float = 1.0
    """Temperature of the stationary density."""
    gradient_clip: float | None = None
    """Largest component of the gradient, before it is multiplied (Du & Mordatch 2019); None for no bound."""
    clamp: tuple[float, float] | None = None
    """Interval that every component is projected into after each step; None for none."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.step_size <= 0 or self.temperature < 0:
            raise ValueError(
                f"got n_steps={self.n_steps}, step_size={self.step_size}, temperature={self.temperature}; "
                "expected n_steps >= 1, step_size > 0, temperature >= 0; correct the one that is out of range"
            )
        if self.gradient_clip is not None and self.gradient_clip <= 0:
            raise ValueError(
                f"got gradient_clip={self.gradient_clip}, expected a positive bound; pass None for no clipping"
            )
        if self.clamp is not None and self.clamp[0] >= self.clamp[1]:
            raise ValueError(
                f"got clamp={self.clamp}, expected (low, high) with low < high; swap the bounds or pass None"
            )

    @classmethod
    def decoupled(
        cls,
        n_steps: int,
        step_size: float,
        noise_std: float,
        gradient_clip: float | None = None,
        clamp: tuple[float, float] | None = None,
    ) -> Langevin:
        """JEM's and IGEBM's convention, x <- x - step_size * grad E(x) + noise_std * n: T = noise_std² / (2
        step_size)."""
        if step_size <= 0 or noise_std < 0:
            raise ValueError(
                f"got step_size={step_size}, noise_std={noise_std}; expected step_size > 0 and noise_std >= 0; "
                "correct the one that is out of range"
            )
        return cls(n_steps, step_size, noise_std**2 / (2.0 * step_size), gradient_clip, clamp)

    @property
    def noise_std(self) -> float:
        """Standard deviation of the noise of one step, sqrt(2 * step_size * temperature)."""
        return math.sqrt(2.0 * self.step_size * self.temperature)

    def __call__(
        self,
        model: EnergyFn,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
        project: Callable[[Tensor], Tensor] | None = None,
    ) -> Samples:
        """Move the chains ``x`` (B, *D), which keep their type and memory layout; ``x`` itself is left as it is.

        ``project`` is applied to the start and after every step: known pixels put back in their place (inpainting).
        """
        x = x.detach() if project is None else project(x.detach())
        gradient_norms: list[Tensor] = []
        energy = x.new_empty(0)
        # A weight that is computed (spectral norm) is computed once for the loop: it cannot change between the steps.
        with parametrize.cached():
            for step in range(1, self.n_steps + 1):
                energy, gradient = energy_and_gradient(model, x, cond)
                gradient_norms.append(torch.linalg.vector_norm(gradient.flatten(1), dim=1).mean())
                if self.gradient_clip is not None:
                    gradient.clamp_(-self.gradient_clip, self.gradient_clip)
                # Out of place, so that a trace may keep what it was given.
                x = torch.add(x, gradient, alpha=-self.step_size)
                if self.temperature > 0:
                    x.add_(randn_like(x, generator=generator), alpha=self.noise_std)
                if self.clamp is not None:
                    x.clamp_(*self.clamp)
                if project is not None:
                    x = project(x)
                if trace is not None:
                    trace(step, x)
        info = {"gradient_norm": torch.stack(gradient_norms).mean(), "energy": energy.mean()}
        return Samples(x, nfe=self.n_steps, info=info)
