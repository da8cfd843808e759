"""A denoiser that is the gradient of an energy."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.gradients import check_energy
from gibbsweep_models.noise.shape import expand_like


class EnergyDenoiser(EDMPrecondition):
    """The energy E(x; sigma) = 1/2 |c_in x - (sigma_data / sigma) F(c_in x; c_noise)|², and Tweedie's D = x - sigma²
    grad E.

    The square is |x - N(x)|² / (2 sigma²) of an autoencoder N, the energy that Salimans & Ho (2021, "Should EBMs model
    the energy or the score?") found to train best, here with N = (1 - sigma c_in) x + sigma_data F. Where F is zero, E
    is exactly the energy of data N(0, sigma_data²) blurred by sigma, and to first order D = c_skip x + c_out (F + J^T
    x): the preconditioning of Karras et al. (2022) for a gradient.

    >>> from gibbsweep_models.nn.noise_networks import UNet
    >>> denoiser = EnergyDenoiser(UNet((1, 8, 8), (8, 8)), sigma_data=0.5)
    >>> denoiser.energy(torch.zeros(2, 1, 8, 8), torch.ones(2)).shape
    torch.Size([2])
    """

    def energy(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The energy of ``x`` (B, *D) at noise level ``sigma`` (B,) -> (B,)."""
        c = self.coefficients(sigma)
        scaled = expand_like(c.c_in, x) * x
        output = self.network(scaled, c.c_noise, None).to(x.dtype)
        residual = scaled - expand_like(self.sigma_data.to(sigma.dtype) / sigma, x) * output
        return check_energy(0.5 * residual.flatten(1).square().sum(dim=1), x)

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """E[x_0 | x] (B, *D) of ``x`` (B, *D) at noise level ``sigma`` (B,), positive, with a graph where gradients are
        on."""
        with_graph = torch.is_grad_enabled()
        sigma = self.seen_level(sigma)
        with torch.enable_grad():
            leaf = x if x.requires_grad else x.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.energy(leaf, sigma).sum(), leaf, create_graph=with_graph)
        return x - expand_like(sigma, x) ** 2 * gradient
