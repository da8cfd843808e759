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
    sigma. ``network``: (B, *D), (B,), condition or None -> (B, *D). ``sigma_data`` is a buffer: a value measured from
    data is stored with the weights.

    ``blind_at``: a denoiser that is not told the noise level; whatever ``sigma`` it is given, it computes as if that were
    ``blind_at``.
    """

    sigma_data: Tensor

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
        """c_skip -> 1 and c_out -> 0 as sigma -> 0; c_skip -> 0 and c_out -> sigma_data as sigma grows."""
        sigma_data = self.sigma_data.to(sigma.dtype)
        total = torch.hypot(sigma, sigma_data)
        return Coefficients(
            c_skip=(sigma_data / total) ** 2, c_out=sigma * sigma_data / total, c_in=1 / total, c_noise=sigma.log() / 4
        )

    def told(self, sigma: Tensor) -> Tensor:
        """The noise level (B,) that the network hears of."""
        return sigma if self.blind_at is None else torch.full_like(sigma, self.blind_at)

    def forward(self, x: Tensor, sigma: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, *D) at noise level ``sigma`` (B,), positive -> E[x_0 | x] (B, *D)."""
        c = self.coefficients(self.told(sigma))
        output: Tensor = self.network(expand_like(c.c_in, x) * x, c.c_noise, cond)
        # Under autocast the network may answer in bfloat16; the sum below keeps the type of the data.
        return expand_like(c.c_skip, x) * x + expand_like(c.c_out, x) * output.to(x.dtype)
