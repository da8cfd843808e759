"""Anomalies made of normal images: what a detector can be tuned on while real anomalies must stay unseen."""

from __future__ import annotations

import torch
from torch import Tensor


def synthetic_anomalies(x: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
    """As many as there are normal images ``x`` (N, C, H, W) of each kind, in the same units, background at the smallest value:

    ``splice``: the upper half of one image above the lower half of another. ``overlay``: two images at once, the larger value
    of each pixel. ``mirror``: left and right exchanged. ``transpose``: rows and columns exchanged (square images). ``half``:
    the lower half alone, on background: simpler than any normal image, which a score that grows with ink misses.

    A mirrored 8 is still an 8: no detector separates all of them, and the same holds for every contender.
    """
    if x.ndim != 4:
        raise ValueError(
            f"synthetic anomalies are made of images (N, C, H, W): got {tuple(x.shape)}; choose image data"
        )
    if x.shape[2] != x.shape[3]:
        raise ValueError(f"synthetic anomalies need square images: got {tuple(x.shape)}; resize them")
    middle = x.shape[2] // 2
    # Rolling a random order by one place pairs every image with another one.
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    partner = torch.empty_like(order).index_copy_(0, order, order.roll(1))
    splice = torch.cat([x[:, :, :middle], x[partner, :, middle:]], dim=2)
    half = x.clone()
    half[:, :, :middle] = x.min()
    return {
        "splice": splice,
        "overlay": torch.maximum(x, x[partner]),
        "mirror": x.flip(3),
        "transpose": x.transpose(2, 3).contiguous(),
        "half": half,
    }
