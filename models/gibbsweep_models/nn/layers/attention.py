"""Self-attention over the places of a feature map."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from gibbsweep_models.nn.layers.blocks import group_norm, zero_

_HEAD = 32
"""Channels of a head at most."""


class SelfAttention(nn.Module):
    """h + W softmax(q k / sqrt(c)) v: every place of (B, channels, *S) looks at every other, behind group norm (Ho et
    al., "Denoising Diffusion Probabilistic Models", 2020, appendix B; Vaswani et al. 2017). It knows no order of the
    places but what the channels say. W starts at zero, so a new one is the identity.

    >>> SelfAttention(8)(torch.ones(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = max(1, channels // _HEAD) if channels % max(1, channels // _HEAD) == 0 else 1
        self.norm = group_norm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.out = zero_(nn.Linear(channels, channels))

    def forward(self, h: Tensor) -> Tensor:
        """(B, channels, *S) -> (B, channels, *S)."""
        places = self.norm(h).flatten(2).transpose(1, 2)
        mixed = self.query_key_value(places).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(mixed[0], mixed[1], mixed[2])
        made: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return h + made.transpose(1, 2).reshape(h.shape)
