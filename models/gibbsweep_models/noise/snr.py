"""Conversions of a noise level that need no schedule."""

from __future__ import annotations

import torch
from torch import Tensor


def log_snr(sigma: Tensor) -> Tensor:
    """ln(1 / sigma²), the logarithmic signal-to-noise ratio of x_0 + sigma n (Kingma et al. 2021), whatever x_t is
    scaled by."""
    return -2.0 * sigma.log()


def sigma_of_log_snr(value: Tensor) -> Tensor:
    """The inverse of :func:`log_snr`."""
    return torch.exp(-0.5 * value)


def unit_variance_scale(sigma: Tensor) -> Tensor:
    """alpha = 1 / sqrt(1 + sigma²): alpha (x_0 + sigma n) = alpha x_0 + sqrt(1 - alpha²) n preserves unit variance."""
    return torch.hypot(sigma, torch.ones_like(sigma)).reciprocal()


def sigma_of_alpha_bar(alpha_bar: Tensor) -> Tensor:
    """sqrt(1 / alpha_bar - 1), the level of DDPM's sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) n."""
    return torch.sqrt((1.0 - alpha_bar) / alpha_bar)
