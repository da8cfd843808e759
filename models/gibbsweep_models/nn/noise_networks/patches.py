"""A network over blocks of pixels or voxels: a quarter of the work for blocks of two pixels, at the same field of
view."""

from __future__ import annotations

from torch import Tensor, nn

from gibbsweep_models.nn.noise_networks.unet import UNet


def blocks_to_channels(x: Tensor, patch: int) -> Tensor:
    """Each block of ``patch`` along all d axes as the channels of one place, in the order of
    ``torch.nn.functional.pixel_unshuffle``: (B, C, *S) -> (B, C patch^d, *(s / patch))."""
    d = x.ndim - 2
    cut = x.reshape(*x.shape[:2], *(part for side in x.shape[2:] for part in (side // patch, patch)))
    within = cut.permute(0, 1, *range(3, 3 + 2 * d, 2), *range(2, 2 + 2 * d, 2))
    return within.flatten(1, 1 + d)


def channels_to_blocks(h: Tensor, patch: int) -> Tensor:
    """The inverse of :func:`blocks_to_channels`: (B, C patch^d, *S) -> (B, C, *(s patch))."""
    d = h.ndim - 2
    cut = h.reshape(len(h), -1, *(patch for _ in range(d)), *h.shape[2:])
    side_by_side = cut.permute(0, 1, *(axis for k in range(d) for axis in (2 + d + k, 2 + k)))
    return side_by_side.reshape(*side_by_side.shape[:2], *(side * patch for side in h.shape[2:]))


class PatchUNet(nn.Module):
    """A :class:`~gibbsweep_models.nn.noise_networks.unet.UNet` on images or voxels whose blocks of ``patch`` along
    every axis became channels, as in FFDNet (Zhang et al. 2018, section 3): (B, C, *S) -> (B, C, *S), the sides
    multiples of ``patch``. A new network returns zero.

    >>> network = PatchUNet((1, 8, 8), (8, 8), patch=2)
    >>> network(torch.zeros(3, 1, 8, 8), torch.zeros(3)).shape
    torch.Size([3, 1, 8, 8])
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        channels: tuple[int, ...],
        blocks: int = 1,
        patch: int = 2,
        n_classes: int | None = None,
        checkpoint_activations: bool = False,
        attention: bool = False,
        rows: bool = False,
    ) -> None:
        super().__init__()
        if len(shape) not in (3, 4) or patch < 1 or any(side % patch for side in shape[1:]):
            raise ValueError(
                f"got shape {tuple(shape)} and patch={patch}, expected images (C, H, W) or voxels (C, X, Y, Z) whose "
                "sides are multiples of the patch; pass patch=1"
            )
        self.shape = tuple(shape)
        self.patch = patch
        sides = shape[1:]
        inner = (shape[0] * patch ** len(sides), *(side // patch for side in sides))
        self.network = UNet(inner, channels, blocks, n_classes, checkpoint_activations, attention, rows)

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, C, *S), the noise label (B,), classes (B,) or None -> (B, C, *S)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        return channels_to_blocks(self.network(blocks_to_channels(x, self.patch), noise, cond), self.patch)
