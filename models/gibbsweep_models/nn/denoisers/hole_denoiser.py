"""A denoiser of holes that is the gradient of an energy: the rest of the image is clean."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.denoisers.precondition import EDMPrecondition
from gibbsweep_models.nn.gradients import check_energy
from gibbsweep_models.noise.masks import fill_smoothly
from gibbsweep_models.noise.shape import expand_like


class HoleDenoiser(EDMPrecondition):
    """E(x; sigma, known) = 1/2 sum over the hole of (c_in (x - m) - (sigma_data / sigma) F)², and D = x - sigma² grad E
    in the hole, D = x outside; m is a smooth surface through the known pixels, and sigma_data the deviation of data
    from it.

    exp(-E) is the density of a hole blurred by sigma beside clean known pixels, which is what clamped Langevin dynamics
    needs at each of its levels: an energy of images that are blurred everywhere would need noise in place of the known
    pixels. ``network``: (B, 2 C + 1, H, W) (the image with m in its hole, c_in (x - m), and the mask) -> the same, of
    which the first C channels are F.

    >>> from gibbsweep_models.nn.noise_networks import UNet
    >>> denoiser = HoleDenoiser(UNet((3, 8, 8), (8, 8)))
    >>> x, known = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8) < 0.5
    >>> denoiser(x, torch.ones(2), known).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, network: nn.Module, sigma_data: float = 0.5) -> None:
        super().__init__(network, sigma_data)

    def energy(self, x: Tensor, sigma: Tensor, known: Tensor) -> Tensor:
        """The energy of ``x`` (B, C, H, W), with the level of the hole (B,) and ``known`` bool like ``x`` -> (B,)."""
        c = self.coefficients(sigma)
        with torch.no_grad():
            smooth = fill_smoothly(x, known)
        scaled = expand_like(c.c_in, x) * (x - smooth)
        inputs = torch.cat([smooth, scaled, known[:, :1].to(x.dtype)], dim=1)
        output = self.network(inputs, c.c_noise, None)[:, : x.shape[1]].to(x.dtype)
        residual = (scaled - expand_like(self.sigma_data.to(sigma.dtype) / sigma, x) * output).where(~known, 0.0)
        return check_energy(0.5 * residual.flatten(1).square().sum(dim=1), x)

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """E[x_0 | x] of ``x`` (B, C, H, W), with the level of the hole (B,) and as ``cond`` the known pixels, bool like
        ``x``; it has a graph where gradients are on."""
        if cond is None:
            raise ValueError("a denoiser of holes must be told what is known: got cond=None, expected bool like x")
        with_graph = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = x if x.requires_grad else x.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.energy(leaf, sigma, cond).sum(), leaf, create_graph=with_graph)
        return torch.where(cond, x, x - expand_like(sigma, x) ** 2 * gradient)
