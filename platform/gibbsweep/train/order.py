"""Which examples an update sees: a function of the seed and the step, so that a resumed run needs no state for it."""

from __future__ import annotations

import torch
from torch import Tensor

from gibbsweep.errors import UserError
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws


class BatchOrder:
    """The order of ``n`` examples: a fresh permutation every epoch, without the remainder that fills no batch.

    Raises UserError for a batch that is larger than the data set, or that the workers cannot share evenly. For
    example::

        order = BatchOrder(len(data), batch_size=100, seed=0)
        batch = data.batch(order.indices(step))
    """

    def __init__(self, n: int, batch_size: int, seed: int, *, rank: int = 0, world_size: int = 1) -> None:
        if batch_size > n:
            raise UserError(
                f"a batch of {batch_size} was asked of {n} training examples: "
                f"give the budget a batch_size of {n} or less (Budget.within)."
            )
        if batch_size % world_size:
            raise UserError(
                f"a global batch of {batch_size} cannot be split evenly over {world_size} workers: "
                f"use a multiple of {world_size} in its budget, or another number of workers."
            )
        self._n, self._batch_size, self._seed = n, batch_size, seed
        self._share = slice(rank * (batch_size // world_size), (rank + 1) * (batch_size // world_size))
        self._epoch = -1
        self._permutation = torch.empty(0, dtype=torch.int64)

    def check_parts(self, accumulate: int) -> None:
        """Raise UserError unless a worker's share of a batch has ``accumulate`` equal parts."""
        share = self._share.stop - self._share.start
        if share % accumulate:
            raise UserError(
                f"a worker's batch of {share} examples cannot be split evenly into {accumulate} parts: "
                f"accumulate a divisor of {share}."
            )

    def indices(self, step: int) -> Tensor:
        """This worker's examples (B / W,) of update ``step`` (from 0)."""
        epoch, position = divmod(step, self._n // self._batch_size)
        if epoch != self._epoch:
            generator = draws.seeded(self._seed, Stream.ORDER, epoch)
            self._permutation = torch.randperm(self._n, generator=generator)
            self._epoch = epoch
        return self._permutation[position * self._batch_size :][: self._batch_size][self._share]
