"""A small convolutional classifier whose last hidden layer serves as a feature space."""

from __future__ import annotations

from itertools import chain, pairwise, repeat

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import conv_nd, group_norm

_FACTOR = {1: 4, 2: 2, 3: 2}
"""Factor by which a stage shortens every axis, by the number of axes: a waveform has thousands of samples, an image or
a solid tens of them."""


class ConvClassifier(nn.Module):
    """Logits (B, K) of waveforms (B, C, T), images (B, C, H, W) or solids (B, C, X, Y, Z), after LeNet (LeCun et al.
    1998).

    A stage is a convolution, group norm, SiLU and the maximum over blocks of 2 along every axis (of 4 for waveforms).
    There is one for each entry of ``channels``, and the last is repeated until no axis is longer than 7. Two linear
    layers follow; the input of the second are the ``features`` (B, n_features).
    """

    def __init__(
        self, shape: tuple[int, ...], n_classes: int, channels: tuple[int, ...] = (16, 32, 64), n_features: int = 128
    ) -> None:
        super().__init__()
        if len(shape) not in (2, 3, 4) or n_classes < 2 or not channels or min(*channels, n_features) < 1:
            raise ValueError(
                f"got examples of {tuple(shape)}, {n_classes} classes, channels {channels} and {n_features} features; "
                "expected (C, T), (C, H, W) or (C, X, Y, Z), at least two classes and positive widths"
            )
        self.shape = tuple(shape)
        self.n_features = n_features
        dim = len(shape) - 1
        self.factor = _FACTOR[dim]
        sizes = list(shape[1:])
        widths = [shape[0]]
        for stage, width in enumerate(chain(channels, repeat(channels[-1]))):
            if stage >= len(channels) and max(sizes) <= 7:
                break
            widths.append(width)
            sizes = [-(-n // self.factor) for n in sizes]
        self.stages = nn.ModuleList(
            nn.Sequential(conv_nd(dim, before, after, 5 if stage == 0 else 3), group_norm(after), nn.SiLU())
            for stage, (before, after) in enumerate(pairwise(widths))
        )
        n_values = widths[-1]
        for size in sizes:
            n_values *= size
        self.hidden = nn.Linear(n_values, n_features)
        self.readout = nn.Linear(n_features, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, n_features)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the classifier with "
                "the data's shape"
            )
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(self.shape) - 2]
        h = x
        for stage in self.stages:
            h = pool(stage(h), self.factor, ceil_mode=True)
        return F.silu(self.hidden(h.flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, *D) -> (B, n_classes)."""
        logits: Tensor = self.readout(self.features(x))
        return logits
