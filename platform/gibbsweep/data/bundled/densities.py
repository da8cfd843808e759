"""Draws from densities on a line and in the plane, whose scores are known in closed form."""

from __future__ import annotations

import torch

from gibbsweep.data.bundled.made import SEED, Made
from gibbsweep_models.draws import seeded


def gauss1d() -> Made:
    """10,000 draws from 0.5 N(-0.5, 0.1²) + 0.5 N(0.5, 0.2²)."""
    generator = seeded(SEED, 1)
    side = torch.randint(2, (10_000,), generator=generator).double()
    noise = torch.randn(10_000, generator=generator, dtype=torch.float64)
    x = (side - 0.5) + (0.1 + 0.1 * side) * noise
    return Made(x[:, None].float().numpy())


def normal1d() -> Made:
    """200,000 draws from N(0, 1)."""
    generator = seeded(SEED, 5)
    return Made(torch.randn(200_000, 1, generator=generator).numpy())


def ring8() -> Made:
    """10,000 draws from eight N(m, 0.05² I) with m on a circle of radius 0.7; the label is the component."""
    generator = seeded(SEED, 2)
    component = torch.randint(8, (10_000,), generator=generator)
    angle = component.double() * (torch.pi / 4)
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * noise
    return Made(x.float().numpy(), component.numpy())


def two_modes() -> Made:
    """10,000 draws from 0.8 N((0.5, 0.5), 0.1² I) + 0.2 N((-0.5, -0.5), 0.1² I); the label is the component."""
    generator = seeded(SEED, 4)
    small = torch.rand(10_000, generator=generator, dtype=torch.float64) < 0.2
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = torch.where(small, -0.5, 0.5)[:, None] + 0.1 * noise
    return Made(x.float().numpy(), small.long().numpy())
