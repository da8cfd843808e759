"""Errors that mean that a memory ran out: which one did, a device's own or that of the machine, and what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Any

import torch

from gibbsweep.folder import Memory

_GPU = re.compile(r"(CUDA|HIP|XPU)( error)?: ?out of memory|(CUDA|HIP|XPU) out of memory|CUBLAS_STATUS_ALLOC_FAILED")
_HOST = re.compile(
    r"DefaultCPUAllocator: (can't allocate|not enough) memory|std::bad_alloc"
    r"|running low on memory"  # Ray's memory monitor, which kills before the kernel does
    r"|\[Errno 12\]"
)

ADVICE = "use a smaller batch_size in its budget, accumulate it in more parts, or train in precision bf16"
"""What a person can do about a run that runs out of memory alone."""


class OutOfMemory(Exception):
    """A memory ran out that other runs may share: not yet a failure.

    For example::

        raise OutOfMemory("gpu", "CUDA out of memory: tried to allocate 2.00 GiB")
    """

    def __init__(self, memory: Memory, what: str) -> None:
        super().__init__(memory, what)
        self.memory = memory
        """The memory that ran out."""
        self.what = what
        """The error of the process that wanted more."""

    def __str__(self) -> str:
        return f"out of {self.memory} memory: {self.what}"


def memory_of(error: BaseException) -> Memory | None:
    """The memory that ran out, where ``error`` or what it came from says so; None for any other error.

    A library may have put its own words around those of the error.
    """
    return next((memory for one in causes(error) if (memory := _memory_of_one(one)) is not None), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it came from: its causes, the error being handled, what Ray wraps, and its workers' errors."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        failures = getattr(one, "worker_failures", None)
        waiting += [one.__cause__, one.__context__, getattr(one, "cause", None)]
        waiting += failures.values() if isinstance(failures, dict) else []


def first_line(error: BaseException) -> str:
    """The error in one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _memory_of_one(error: BaseException) -> Memory | None:
    if isinstance(error, OutOfMemory):
        return error.memory
    if isinstance(error, torch.OutOfMemoryError):
        return "gpu"
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return "host"
    text = str(error)
    return "gpu" if _GPU.search(text) else "host" if _HOST.search(text) else None
