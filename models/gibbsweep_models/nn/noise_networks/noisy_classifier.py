"""A classifier with the noise level as an input: the half of a U-Net that goes down."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import conv_nd, group_norm, halve
from gibbsweep_models.nn.layers.embedding import NoiseEmbedding
from gibbsweep_models.nn.noise_networks.unet import Stage


class NoisyClassifier(nn.Module):
    """Logits (B, K) of examples (B, C, *S) at the noise label (B,), after Dhariwal & Nichol (2021, section 4): the
    downward half of a :class:`~gibbsweep_models.nn.noise_networks.unet.UNet`, and a linear layer over its lowest
    resolution. ``patch``: side of the blocks of pixels of images that become channels first.

    >>> classifier = NoisyClassifier((1, 8, 8), n_classes=3, channels=(8, 8))
    >>> classifier(torch.zeros(5, 1, 8, 8), torch.zeros(5)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self, shape: tuple[int, ...], n_classes: int, channels: tuple[int, ...] = (32, 64), patch: int = 1
    ) -> None:
        super().__init__()
        if len(shape) not in (2, 3, 4):
            raise ValueError(
                f"a classifier of noisy data is defined on (C, L), (C, H, W) and (C, D, H, W): got {tuple(shape)}; "
                "guide vectors classifier-free"
            )
        if patch < 1 or (patch > 1 and (len(shape) != 3 or shape[1] % patch or shape[2] % patch)):
            raise ValueError(
                f"got shape {tuple(shape)} and patch={patch}, expected images (C, H, W) whose sides are multiples of "
                "the patch; pass patch=1"
            )
        if n_classes < 2 or not channels or min(channels) < 1:
            raise ValueError(
                f"got {n_classes} classes and channels={channels}, expected at least two classes and positive widths"
            )
        self.patch = patch
        dim = len(shape) - 1
        sizes = [side // patch for side in shape[1:]]
        if min(sizes) < 2 ** (len(channels) - 1):
            raise ValueError(
                f"got shape {tuple(shape)} for {len(channels)} resolutions behind patch={patch}; pass fewer entries "
                "in channels"
            )
        width = 2 * channels[0]
        self.embed_noise = NoiseEmbedding(width)
        self.stem = conv_nd(dim, shape[0] * patch ** (2 if patch > 1 else 0), channels[0])
        self.halve = halve(dim)
        self.down = nn.ModuleList(Stage(dim, a, b, 1, width) for a, b in pairwise((channels[0], *channels)))
        self.norm = group_norm(channels[-1])
        n_values = channels[-1]
        for size in sizes:
            n_values *= -(-size // 2 ** (len(channels) - 1))
        self.readout = nn.Linear(n_values, n_classes)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """``x`` (B, C, *S), the noise label (B,) -> (B, K)."""
        embedding = self.embed_noise(noise)
        h = self.stem(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        for level, stage in enumerate(self.down):
            h = stage(h if level == 0 else self.halve(h), embedding)
        logits: Tensor = self.readout(F.silu(self.norm(h)).flatten(1))
        return logits


@dataclass(frozen=True)
class NoisyClassifierConfig:
    """A :class:`NoisyClassifier` and how it learns: by AdamW.

    >>> classifier = NoisyClassifierConfig((8, 8)).build((1, 8, 8), n_classes=3)
    >>> classifier(torch.zeros(5, 1, 8, 8), torch.zeros(5)).shape
    torch.Size([5, 3])
    """

    channels: tuple[int, ...] = (32, 64)
    """Channels of each resolution."""
    patch: int = 1
    """Side of the blocks of pixels that become channels first."""
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    """Decoupled weight decay."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> NoisyClassifier:
        """The network on examples of ``shape``."""
        return NoisyClassifier(shape, n_classes, self.channels, self.patch)
