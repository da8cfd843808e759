"""Whether an error says that a memory ran out, and which: a device's own, or that of the machine."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from typing import Any, Literal

import torch

Memory = Literal["gpu", "host"]
"""``gpu``: that of one accelerator; ``host``: that of the machine, which all processes on it share."""

_GPU = re.compile(r"(CUDA|HIP|XPU)( error)?: ?out of memory|(CUDA|HIP|XPU) out of memory|CUBLAS_STATUS_ALLOC_FAILED")
_HOST = re.compile(
    r"DefaultCPUAllocator: (can't allocate|not enough) memory|std::bad_alloc"
    r"|running low on memory"  # Ray's memory monitor, which kills before the kernel does
    r"|\[Errno 12\]"
)

ADVICE = "use a smaller batch_size, more parts a batch (accumulate in its budget, or --accumulate), or --precision bf16"


class OutOfMemory(Exception):
    """``memory`` ran out where other runs may share it: not yet a failure. ``what``: in the words of who wanted more."""

    def __init__(self, memory: Memory, what: str) -> None:
        super().__init__(memory, what)
        self.memory, self.what = memory, what

    def __str__(self) -> str:
        return f"out of {self.memory} memory: {self.what}"


def memory_of(error: BaseException) -> Memory | None:
    """The memory that ran out, if that is what ``error`` or what it came from says, in its own words or in another library's
    around them; None where it is something else."""
    return next((found for one in causes(error) if (found := _memory_of_one(one)) is not None), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it came from: its causes, what was being handled, what Ray wraps, and the errors of a group of workers."""
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
