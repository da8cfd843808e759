"""Six meanings of a network's output, each of which makes a denoiser of it."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from gibbsweep_models.nn.denoisers.precondition import Coefficients, EDMPrecondition

Prediction = Literal["edm", "x0", "eps", "v", "velocity", "score"]
"""Meanings of a network's output. ``x0``: the clean example. ``eps``: the noise n (Ho et al. 2020). ``score``: sigma
times the score of the blurred data, NCSNv2's technique 3, which is -eps. ``v``: Salimans & Ho's (2022) mixture alpha n
- sqrt(1 - alpha²) x_0. ``velocity``: n - x_0, that of flow matching (Lipman et al. 2023). ``edm``: Karras et al.'s
(2022) target of unit variance."""


class NetworkDenoiser(EDMPrecondition):
    """D(x; sigma) = c_skip x + c_out F(c_in x; ln(sigma) / 4), with the meaning of F in c_skip and c_out.

    F sees the same in all six: x scaled to unit variance for data of deviation ``sigma_data``, which is DDPM's x_t
    where that is 1. For data of deviation 1, v is -edm. None of them knows the path of training, whose levels, scale
    and end are a schedule's. ``network``: (B, *D), (B,), condition or None -> (B, *D).

    >>> from gibbsweep_models.nn.noise_networks import UNet
    >>> denoiser = NetworkDenoiser(UNet((1, 8, 8), (8, 8)), predicts="eps", sigma_data=0.5)
    >>> denoiser(torch.rand(2, 1, 8, 8), torch.ones(2)).shape
    torch.Size([2, 1, 8, 8])
    """

    def __init__(self, network: nn.Module, predicts: Prediction = "edm", sigma_data: float = 0.5) -> None:
        super().__init__(network, sigma_data)
        if predicts not in get_args(Prediction):
            raise ValueError(
                f"got predicts={predicts!r}, expected one of {', '.join(get_args(Prediction))}; choose one"
            )
        self.predicts: Prediction = predicts

    def coefficients(self, sigma: Tensor) -> Coefficients:
        edm = super().coefficients(sigma)
        one = torch.ones_like(sigma)
        match self.predicts:
            case "x0":
                return edm._replace(c_skip=0 * one, c_out=one)
            case "eps":
                return edm._replace(c_skip=one, c_out=-sigma)
            case "score":
                return edm._replace(c_skip=one, c_out=sigma)
            case "v":
                total = torch.hypot(sigma, one)
                return edm._replace(c_skip=total**-2, c_out=-sigma / total)
            case "velocity":
                return edm._replace(c_skip=1.0 / (1.0 + sigma), c_out=-sigma / (1.0 + sigma))
            case _:
                return edm
