"""Neighbouring samples of a waveform as the channels of one place."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


def fold(x: Tensor, patch: int) -> Tensor:
    """(B, C, L) -> (B, C patch, ceil(L / patch)), the last patch filled up with zeros."""
    if patch == 1:
        return x
    padded = F.pad(x, (0, -x.shape[-1] % patch))
    return padded.reshape(*x.shape[:2], -1, patch).transpose(2, 3).flatten(1, 2)


def unfold(h: Tensor, patch: int, length: int) -> Tensor:
    """The inverse of :func:`fold` for waveforms of ``length``."""
    if patch == 1:
        return h
    samples = h.reshape(len(h), -1, patch, h.shape[2]).transpose(2, 3).flatten(2)
    return samples[..., :length]


class PatchedWaveform(nn.Module):
    """F(x, noise, cond) on waveforms (B, C, L) by a network of the same kind on :func:`fold`-ed ones, which has
    ``patch`` times fewer places and so costs less and sees further. ``build``: the network for a shape.

    >>> from gibbsweep_models.nn.noise_networks import DilatedNet
    >>> network = PatchedWaveform((1, 64), 4, lambda shape: DilatedNet(shape, channels=4, layers=3))
    >>> network(torch.zeros(3, 1, 64), torch.zeros(3)).shape
    torch.Size([3, 1, 64])
    """

    def __init__(self, shape: tuple[int, ...], patch: int, build: Callable[[tuple[int, ...]], nn.Module]) -> None:
        super().__init__()
        if len(shape) != 2 or not 1 <= patch <= shape[-1]:
            raise ValueError(
                f"got patches of {patch} for examples {tuple(shape)}, expected waveforms (C, L) and 1 to L samples; "
                "correct the one that is not"
            )
        self.shape = tuple(shape)
        self.patch = patch
        self.network = build((shape[0] * patch, -(-shape[1] // patch)))

    def forward(self, x: Tensor, noise: Tensor, cond: Tensor | None = None) -> Tensor:
        """``x`` (B, C, L), the noise label (B,), classes (B,) or None -> (B, C, L)."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"got x {tuple(x.shape)}, expected (B, {', '.join(map(str, self.shape))}); build the network with the "
                "data's shape"
            )
        return unfold(self.network(fold(x, self.patch), noise, cond), self.patch, self.shape[1])
