"""The preconditioning of Karras et al. (2022), table 1, given once for training and sampling."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from gibbsweep_models.noise.shape import expand_like


class Coefficients(NamedTuple):
    """The four functions of sigma, each (B,)."""

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor


class EDMPrecondition(nn.Module):
    """D(x; sigma) = c_skip x + c_out F(c_in x; c_noise) (equation 7): a denoiser from a network F.

    For data of standard deviation ``sigma_data``, F's input and its regression target have unit variance at every
    sigma. ``network``: (B, *D), (B,), condition or None -> (B, *D). ``blind_at``: None for a denoiser with the noise
    level as input; else it computes as if every ``sigma`` were ``blind_at``.

    >>> from gibbsweep_models.nn.noise_networks import VectorNet
    >>> denoiser = EDMPrecondition(VectorNet((2,), width=8), sigma_data=0.5)
    >>> denoiser(torch.rand(3, 2), torch.ones(3)).shape
    torch.Size([3, 2])
    """

    sigma_data: Tensor
    """Standard deviation of the data; a buffer, so that a value measured from data is stored with the weights."""

    def __init__(self, network: nn.Module, sigma_data: float = 0.5, blind_at: float | None = None) -> None:
        super().__init__()
        if blind_at is not None and blind_at <= 0:
            raise ValueError(
                f"got blind_at={blind_at}, expected a positive noise level in the middle, or None; raise it"
            )
        self.blind_at = blind_at
        if sigma_data <= 0:
            raise ValueError(
                f"got sigma_data={sigma_data}, expected the positive standard deviation of the data; measure it"
            )
        self.network = network
        self.register_buffer("sigma_data", torch.tensor(sigma_data, dtype=torch.float32))

    def coefficients(self, sigma: Tensor) -> Coefficients:
        """The four coefficients: c_skip -> 1 and c_out -> 0 as sigma -> 0; c_skip -> 0 and c_out -> sigma_data as sigma
        grows."""
        sigma_data = self.sigma_data.to(sigma.dtype)
        total = torch.hypot(sigma, sigma_data)
        return Coefficients(
            c_skip=(sigma_data / total) ** 2, c_out=sigma * sigma_data / total, c_in=1 / total, c_noise=sigma.log() / 4
        )

    def seen_level(self, sigma: Tensor) -> Tensor:
        """The noise level (B,) that the network sees."""
        return sigma if self.blind_at is None else torch.full_like(sigma, self.blind_at)

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """E[x_0 | x] (B, *D) of ``x`` (B, *D) at noise level ``sigma`` (B,), positive."""
        c = self.coefficients(self.seen_level(sigma))
        output: Tensor = self.network(expand_like(c.c_in, x) * x, c.c_noise, cond)
        # Under autocast the network may answer in bfloat16; the sum below keeps the type of the data.
        return expand_like(c.c_skip, x) * x + expand_like(c.c_out, x) * output.to(x.dtype)
