"""The densities that the bundled toy sets are drawn from, with their scores at every noise level."""

from __future__ import annotations

import torch

from gibbsweep_models.nn.denoisers.mixture import GaussianMixture


def normal() -> GaussianMixture:
    """N(0, 1)."""
    return GaussianMixture(torch.zeros(1, 1), stds=1.0)


def two_gaussians() -> GaussianMixture:
    """.5 N(-.5, .1²) + .5 N(.5, .2²)."""
    return GaussianMixture(torch.tensor([[-0.5], [0.5]]), stds=torch.tensor([0.1, 0.2]))


def two_modes() -> GaussianMixture:
    """.8 N((.5, .5), .1² I) + .2 N((-.5, -.5), .1² I): the toy of Song & Ermon (2019), figure 3, with every length over
    10."""
    return GaussianMixture(torch.tensor([[0.5, 0.5], [-0.5, -0.5]]), torch.tensor([0.8, 0.2]), 0.1)


def ring() -> GaussianMixture:
    """Eight N(m, .05² I), m evenly on a circle of radius .7."""
    angle = torch.arange(8) * (torch.pi / 4)
    return GaussianMixture(0.7 * torch.stack([angle.cos(), angle.sin()], dim=1), stds=0.05)


DENSITIES = {"normal1d": normal, "gauss1d": two_gaussians, "two_modes": two_modes, "ring8": ring}
"""The densities, by the name of their data set."""


def density_of(data: str) -> GaussianMixture:
    """The density of a toy set."""
    if data not in DENSITIES:
        raise ValueError(
            f"the density of {data!r} is not known: expected one of {', '.join(DENSITIES)}; choose one of these"
        )
    return DENSITIES[data]()
