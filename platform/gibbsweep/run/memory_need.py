"""The memory that one run needs, measured by running its beginning."""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import torch

from gibbsweep.evaluate import Evaluator
from gibbsweep.run.assignment import Assignment, data_of
from gibbsweep.run.largest_config import largest_values
from gibbsweep.run.run import run
from gibbsweep.study.space import Space, with_values
from gibbsweep.train import Evaluation
from gibbsweep.train.out_of_memory import OutOfMemory

UPDATES = 3
"""The updates of a measurement. The second has the optimisers' state, the third what the first two leave behind."""

EVALUATION_S = 3.0
"""The seconds of each evaluator in a measurement: a sampler's memory is in use from its first step on."""


@dataclass(frozen=True)
class MemoryNeed:
    """The memory of a run at its peak, in bytes."""

    host: int
    """Resident memory above that of the process before the run began."""
    gpu: int = 0
    """Memory of the GPU, with the device's own share for the process."""
    values: dict[str, Any] = field(default_factory=dict)
    """The values of its search space that made the run the largest, by path."""
    seconds: float = 0.0
    """Seconds that the measurement took."""
    ran_out: str = ""
    """The memory of which there was too little for the run alone; "" where it fitted."""
    failed: str = ""
    """Another reason why the run could not be measured; "" where it was."""


class Cuda:
    """PyTorch's counters of the one GPU that this process sees, in bytes."""

    def total(self) -> int:
        """The memory of the device."""
        return int(torch.cuda.mem_get_info()[1])

    def used(self) -> int:
        """The memory in use by all processes."""
        free, total = torch.cuda.mem_get_info()
        return int(total - free)

    def reserved(self) -> int:
        """The memory that PyTorch has reserved for this process."""
        return int(torch.cuda.memory_reserved())

    def peak_reserved(self) -> int:
        """The most memory that PyTorch has reserved for this process so far."""
        return int(torch.cuda.max_memory_reserved())


def gpu_need(cuda: Cuda, used_before: int) -> int:
    """Bytes of the GPU that this process takes at its peak.

    They are the peak of what PyTorch reserved, and what the device has taken beside that since ``used_before`` (bytes
    in use) for its context, kernels and libraries.
    """
    beside = cuda.used() - used_before - cuda.reserved()
    return cuda.peak_reserved() + max(0, beside)


def measure_memory(
    assignment: Assignment, space: Space, *, used_before: int | None = None, cuda: Cuda | None = None
) -> MemoryNeed:
    """Run the beginning of ``assignment`` in this process, which should be a fresh one, and return its peak of memory.

    The beginning is a few updates of the real batch in the largest configuration of ``space``, with the choice of
    precision and a checkpoint, and the first seconds of each evaluator. ``used_before`` are the bytes of the GPU in use
    before this process touched it; None measures no GPU.
    """
    start = time.perf_counter()
    dataset = data_of(assignment)
    before = psutil.Process().memory_info().rss
    values = largest_values(assignment.config, space, dataset.spec)
    ran_out = failed = ""
    with tempfile.TemporaryDirectory() as folder:
        beginning = replace(
            assignment,
            config=with_values(assignment.config, values),
            budget=replace(assignment.budget, updates=UPDATES, report_every=UPDATES, also_at=(), retries=0),
            until=None,
            run_dir=Path(folder),
            evaluators=tuple(_Beginning(e) for e in assignment.evaluators),
            final_evaluators=tuple(_Beginning(e) for e in assignment.final_evaluators),
            packed=True,
        )
        try:
            outcome = run(beginning)
            failed = outcome.message if outcome.kind == "failed" else ""
        except OutOfMemory as error:
            ran_out = error.memory
    gpu = 0 if used_before is None else gpu_need(cuda or Cuda(), used_before)
    return MemoryNeed(max(0, peak_resident() - before), gpu, values, time.perf_counter() - start, ran_out, failed)


def peak_resident() -> int:
    """The most bytes of resident memory that this process has had.

    On Linux it is the process's high-water mark, since ``ru_maxrss`` includes there what the parent had when it started
    the process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        marks = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if marks:
            return int(marks[0].split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class _Beginning:
    """An evaluator that ends after its first seconds and measures nothing."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator

    @property
    def needs(self) -> type:
        return self._evaluator.needs

    def __call__(self, system: Any, split: Any, *, generator: torch.Generator) -> Evaluation:
        with _at_most(EVALUATION_S):
            self._evaluator(system, split, generator=generator)
        return Evaluation()


class _Enough(BaseException):
    """Ends a body that ran long enough. It is no Exception, so that no handler on its way takes it for an error."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Leave the body after ``seconds``, wherever it is. It works in the main thread alone, since it uses a signal."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise _Enough

    previous = signal.signal(signal.SIGALRM, leave)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with suppress(_Enough):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, previous)
