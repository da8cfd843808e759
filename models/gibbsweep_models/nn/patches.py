"""A network over blocks of pixels: a quarter of the work for blocks of two, at the same field of view."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.unet import UNet


class PatchUNet(nn.Module):
    """A :class:`UNet` on images whose ``patch`` x ``patch`` blocks of pixels became channels, as in FFDNet (Zhang et al. 2018,
    section 3): (B, C, H, W) -> (B, C, H, W), H and W multiples of ``patch``. A new network returns zero."""

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: tuple[int, ...],
        blocks: int = 1,
        patch: int = 2,
        n_classes: int | None = None,
    ) -> None:
        super().__init__()
        if len(shape) != 3 or patch < 1 or shape[1] % patch or shape[2] % patch:
            raise ValueError(
                f"got shape {tuple(shape)} and patch={patch}, expected images (C, H, W) whose sides are multiples of the "
                "patch; pass patch=1"
            )
        self.shape = tuple(shape)
        self.patch = patch
        inner = (shape[0] * patch**2, shape[1] // patch, shape[2] // patch)
        self.network = UNet(inner, channels, blocks, n_classes)

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, C, H, W), the noise label (B,), classes (B,) or None -> (B, C, H, W)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        return F.pixel_shuffle(self.network(F.pixel_unshuffle(x, self.patch), noise, cond), self.patch)
