"""Data parallelism in four collectives. Without an initialised process group each of them is the identity.

There is no ``DistributedDataParallel``: an energy-based objective calls its network dozens of times an update (Langevin
steps included) and a phase of a GAN touches half of the system, which its hooks are not made for. One flat all-reduce
after ``backward`` is right for every objective.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

_alone: ContextVar[bool] = ContextVar("alone", default=False)
_in_parts: ContextVar[bool] = ContextVar("in_parts", default=False)


class WholeBatchNeeded(ValueError):
    """An objective asked for the global batch where it was given one part of it after the other."""


@contextmanager
def in_parts() -> Iterator[None]:
    """A context in which a batch comes part by part (gradient accumulation), and no collective can bring its parts
    together: each of them raises :class:`WholeBatchNeeded`. An objective that calls none is a mean over examples, and
    its parts add up."""
    token = _in_parts.set(True)
    try:
        yield
    finally:
        _in_parts.reset(token)


def _check_whole() -> None:
    if _in_parts.get():
        raise WholeBatchNeeded("the global batch was asked for where a batch comes in parts: pass it whole")


@contextmanager
def alone() -> Iterator[None]:
    """A context in which this worker's collectives are identities: for work that one worker does while the others
    wait."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def _in_group() -> bool:
    return not _alone.get() and dist.is_available() and dist.is_initialized()


def world_size() -> int:
    return dist.get_world_size() if _in_group() else 1


def rank() -> int:
    return dist.get_rank() if _in_group() else 0


def all_gather_batch(x: Tensor) -> Tensor:
    """The global batch (W * B, ...) in rank order from every worker's share (B, ...); no gradient flows through it."""
    _check_whole()
    if world_size() == 1:
        return x
    shares = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(world_size())]
    dist.all_gather(shares, x.detach().contiguous())
    return torch.cat(shares)


def gather_with_gradient(x: Tensor) -> Tensor:
    """The global batch (W * B, ...) in rank order, with the gradient of *all* workers' losses flowing back to the
    worker that each share came from: for losses that compare every example with the global batch (InfoNCE).

    Where every worker takes the mean of its own examples' terms, worker v ends with sum_w dL_w / dz_v, and
    :func:`average_gradients`, which divides by W, makes of it the gradient of the mean over the global batch.
    """
    _check_whole()
    if world_size() == 1:
        return x
    gathered: Tensor = _Gather.apply(x)
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return all_gather_batch(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


def all_mean(x: Tensor) -> Tensor:
    """The mean of ``x`` over the workers: of a batch mean, the mean over the global batch."""
    _check_whole()
    if world_size() == 1:
        return x
    total = x.detach().clone()
    dist.all_reduce(total)
    return total / world_size()


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the workers, in one collective. A missing gradient counts as zero."""
    if world_size() == 1:
        return
    with_grad = [p for p in parameters if p.requires_grad]
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in with_grad]
    flat = torch.cat([g.reshape(-1) for g in grads])
    dist.all_reduce(flat)
    flat /= world_size()
    offset = 0
    for p, g in zip(with_grad, grads, strict=True):
        p.grad = flat[offset : offset + g.numel()].view_as(g).clone()
        offset += g.numel()
