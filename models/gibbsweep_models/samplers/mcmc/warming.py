"""Descent on a potential that warms up to Langevin dynamics near the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gibbsweep_models.draws import randn_like
from gibbsweep_models.nn.gradients import energy_and_gradient
from gibbsweep_models.noise.shape import expand_like
from gibbsweep_models.types import EnergyFn, Samples, Trace


@dataclass(frozen=True)
class WarmingLangevin:
    """x <- x - step_size grad V(x) + sqrt(2 step_size T) n, ``n_steps`` times, where T is 0 until ``warm_from``, rises
    on a line to ``temperature`` at time 1, and stays (Balcerak et al., "Energy Matching: Unifying Flow Matching and
    Energy-Based Models for Generative Modeling", 2025, algorithm 2). Time is the sum of the steps.

    -grad V is the velocity of a flow that carries noise to data within time 1; from there on chains are those of the
    density exp(-V / temperature). ``info``: ``gradient_norm``, the mean over steps and chains.

    >>> sampler = WarmingLangevin(n_steps=100, step_size=0.02)
    >>> samples = sampler(lambda x, cond=None: x.square().sum(1) / 2, torch.zeros(5, 2), generator=seeded(0))
    >>> samples.x.shape, samples.nfe
    (torch.Size([5, 2]), 100)
    """

    n_steps: int = 100
    """Steps."""
    step_size: float = 0.02
    """Size of a step, in units of the flow's time."""
    temperature: float = 0.01
    """Temperature from time 1 on."""
    warm_from: float = 1.0
    """Time at which it begins to rise, in [0, 1]."""

    def __post_init__(self) -> None:
        if self.n_steps < 1 or self.step_size <= 0 or self.temperature < 0 or not 0 <= self.warm_from <= 1:
            raise ValueError(
                f"got n_steps={self.n_steps}, step_size={self.step_size}, temperature={self.temperature}, "
                f"warm_from={self.warm_from}; expected n_steps >= 1, step_size > 0, temperature >= 0 and warm_from in "
                "[0, 1]; correct the one that is out of range"
            )

    def temperature_at(self, step: int) -> float:
        """The temperature of a step (from 1), that of the time at its end."""
        time = step * self.step_size
        if time >= 1:
            return self.temperature
        return self.temperature * max(0.0, time - self.warm_from) / max(1 - self.warm_from, self.step_size)

    def __call__(
        self,
        model: EnergyFn,
        x: Tensor,
        *,
        cond: Tensor | None = None,
        generator: torch.Generator,
        trace: Trace | None = None,
        arrived: Tensor | None = None,
    ) -> Samples:
        """Move the chains ``x`` (B, *D) from noise, which keep their type. Those that have ``arrived`` (B,), bool, are
        chains at the last temperature from the first step on: plain Langevin dynamics."""
        x = x.detach()
        warm = None if arrived is None else expand_like(arrived.to(x.dtype), x)
        norms: list[Tensor] = []
        for step in range(1, self.n_steps + 1):
            _, gradient = energy_and_gradient(model, x, cond)
            norms.append(torch.linalg.vector_norm(gradient.flatten(1), dim=1).mean())
            x = torch.add(x, gradient, alpha=-self.step_size)
            std = math.sqrt(2 * self.step_size * self.temperature_at(step))
            if warm is not None:
                last = math.sqrt(2 * self.step_size * self.temperature)
                x.add_((std + (last - std) * warm) * randn_like(x, generator=generator))
            elif std > 0:
                x.add_(randn_like(x, generator=generator), alpha=std)
            if trace is not None:
                trace(step, x)
        return Samples(x, nfe=self.n_steps, info={"gradient_norm": torch.stack(norms).mean()})
