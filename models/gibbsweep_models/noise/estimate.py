"""The noise level of an image, estimated from the image."""

from __future__ import annotations

from torch import Tensor

_NORMAL_MEDIAN = 0.6744897501960817
"""The median of |n|, n ~ N(0, 1)."""


def estimate_sigma(x: Tensor) -> Tensor:
    """The standard deviation of white noise in images (B, C, H, W) -> (B,): median |d| / 0.6745 over the finest
    diagonal Haar details d = (a - b - c + e) / 2 of 2 x 2 blocks (Donoho & Johnstone 1994), in which smooth images
    vanish.

    It overestimates where the image itself has detail in more than half of its blocks. An odd last row or column is
    left out.
    """
    if x.ndim != 4 or min(x.shape[2:]) < 2:
        raise ValueError(f"a noise level is estimated from images (B, C, H, W) of at least 2 x 2: got {tuple(x.shape)}")
    height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    even = x[:, :, :height, :width]
    detail = (even[..., 0::2, 0::2] - even[..., 0::2, 1::2] - even[..., 1::2, 0::2] + even[..., 1::2, 1::2]) / 2
    return detail.flatten(1).abs().quantile(0.5, dim=1) / _NORMAL_MEDIAN
