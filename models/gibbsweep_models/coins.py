"""Binary units between matrix products in half precision on a CPU: eight random bits a unit, from a fast stream.

At 16 bits of the Mersenne twister a unit, a draw takes a quarter of the time of such a product; so drawn it takes an eighth.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.random import SFC64
from torch import Tensor


class Coins:
    """The units of one call of a sampler: this worker's rows of what one worker would draw for the global batch.

    A unit is 1 where its own 8 bits are below 256 p, rounded to an integer at random: up by the share of the way. So its
    mean is p, exact to 2^-24, and 0 and 1 are certain. What rounds are 16 bits of a fixed table, read from a random place
    on. Given the place, the units of a draw are independent and their means less than 1/256 from p. Over the places, two
    units that read the same entry have a covariance of at most 2^-18, and others of some 2^-24. An entry serves a unit of
    one example and, ``_STRIDE`` units on, one of the example before, never the same unit of two examples.

    The bits come from numpy's SFC64 (Doty-Humphrey's small fast counting generator), its 256 bits of state from
    ``generator``: they are a function of the state of ``generator``, which moves on by five words.
    """

    def __init__(self, n_units: int, dtype: torch.dtype, generator: torch.Generator) -> None:
        self.dtype = dtype
        self.rank: int = getattr(generator, "rank", 0)
        self.world_size: int = getattr(generator, "world_size", 1)
        seed = torch.empty(5, dtype=torch.int64).random_(-(2**63), None, generator=generator)
        self.place = int(seed[4])
        self.stream = SFC64(0)
        state = self.stream.state
        state["state"]["state"] = seed[:4].numpy().view(np.uint64)
        self.stream.state = state
        self.block = min(self.world_size * n_units, _LARGEST_BLOCK)
        self.own = torch.empty(0, dtype=torch.uint8)
        self.used = 0
        self.scratch: dict[torch.Size, Tensor] = {}

    def bernoulli(self, p: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Units with means ``p`` (B, U) in single precision, written to ``out`` if given, else in half precision."""
        rows, width = p.shape
        n = self.world_size * p.numel()
        if len(self.own) - self.used < n:
            words = self.stream.random_raw(max(self.block, n) // 8 + 1)
            self.own, self.used = torch.from_numpy(words.view(np.uint8)), 0
        own = self.own.as_strided(p.shape, (width, 1), self.used + self.rank * p.numel())
        self.used += n

        self.place = (self.place + _LEAP) % _ENTRIES
        stride = min(width, _STRIDE)
        table = _table(self.world_size * rows * stride + width)
        negative_share = table.as_strided(p.shape, (stride, 1), self.place + self.rank * rows * stride)

        scratch = self.scratch.get(p.shape)
        if scratch is None:
            scratch = self.scratch[p.shape] = torch.empty(p.shape)
        # own + share < 256 p; the difference is exact where it decides
        units = scratch.copy_(own).sub_(p, alpha=256.0).lt_(negative_share)
        return units.to(self.dtype) if out is None else out.copy_(units)


_LARGEST_BLOCK = 2**21  # bytes: they are read while still in the cache
_ENTRIES = 2**16
_STRIDE = 64
_LEAP = 40503  # odd, so that a long chain reads from every place before it reads from one again


@lru_cache(maxsize=8)
def _table(window: int) -> Tensor:
    """-k / 2^16 for all k in an arbitrary order, again and again: ``window`` entries from any of the first 2^16 on."""
    order = torch.randperm(_ENTRIES, generator=torch.Generator().manual_seed(0))
    return order.float().div_(-_ENTRIES).repeat(1 + -(-window // _ENTRIES))
