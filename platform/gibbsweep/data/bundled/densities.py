"""Draws from densities on a line and in the plane, whose scores are known in closed form."""

from __future__ import annotations

import torch

from gibbsweep.data.bundled.made import SEED, Made
from gibbsweep_models.draws import seeded


def gauss1d() -> Made:
    generator = seeded(SEED, 1)
    side = torch.randint(2, (10_000,), generator=generator).double()
    noise = torch.randn(10_000, generator=generator, dtype=torch.float64)
    x = (side - 0.5) + (0.1 + 0.1 * side) * noise
    return Made(x[:, None].float().numpy())


def normal1d() -> Made:
    generator = seeded(SEED, 5)
    return Made(torch.randn(200_000, 1, generator=generator).numpy())


def ring8() -> Made:
    generator = seeded(SEED, 2)
    component = torch.randint(8, (10_000,), generator=generator)
    angle = component.double() * (torch.pi / 4)
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * noise
    return Made(x.float().numpy(), component.numpy())


def two_modes() -> Made:
    generator = seeded(SEED, 4)
    small = torch.rand(10_000, generator=generator, dtype=torch.float64) < 0.2
    noise = torch.randn(10_000, 2, generator=generator, dtype=torch.float64)
    x = torch.where(small, -0.5, 0.5)[:, None] + 0.1 * noise
    return Made(x.float().numpy(), small.long().numpy())
