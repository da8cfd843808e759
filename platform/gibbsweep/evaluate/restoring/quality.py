"""Measures of the quality of restored images, in [0, 1] pixel units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gibbsweep.errors import UserError


def unit_pixels(x: Tensor) -> Tensor:
    """Images on [-1, 1] mapped to [0, 1]; values beyond are set to the ends, as storing the image would."""
    return ((x + 1) / 2).clamp(0, 1)


def psnr(x: Tensor, truth: Tensor, where: Tensor | None = None) -> Tensor:
    """Peak signal-to-noise ratio 10 log10(1 / MSE) of each image, (B, *D) in [0, 1] -> (B,) in dB.

    ``where`` (bool, like ``x``): the pixels that are measured; all of them without it.
    """
    error = (x - truth).square().flatten(1)
    if where is None:
        return -10 * error.mean(dim=1).log10()
    inside = where.flatten(1)
    return -10 * (error.where(inside, 0.0).sum(dim=1) / inside.sum(dim=1)).log10()


def ssim(x: Tensor, truth: Tensor, where: Tensor | None = None) -> Tensor:
    """Structural similarity of images (B, C, H, W) in [0, 1] -> (B,), by scikit-image.

    Wang et al. (2004): Gaussian windows of 11 x 11, or flat ones of 7 x 7 where the image is smaller than 11. ``where``
    (bool, like ``x``): the pixels over whose similarity the mean is taken; all of them without it.
    """
    from skimage.metrics import structural_similarity

    similarity: Callable[..., Any] = structural_similarity

    if x.ndim != 4 or min(x.shape[2:]) < 7:
        raise UserError(
            f"structural similarity is defined on images (B, C, H, W) of at least 7 x 7: got {tuple(x.shape)}; "
            "choose larger images"
        )
    window = (
        {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        if min(x.shape[2:]) >= 11
        else {"win_size": 7}
    )
    values = []
    for i, (one, other) in enumerate(zip(x.double().cpu().numpy(), truth.double().cpu().numpy(), strict=True)):
        mean, by_pixel = similarity(one, other, data_range=1.0, channel_axis=0, full=True, **window)
        values.append(float(mean) if where is None else float(by_pixel[where[i].cpu().numpy()].mean()))
    return torch.tensor(values)
