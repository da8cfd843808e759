"""What was done about a run while it trained: restarts, retries with more memory, and checkpoints of others.

Each note is written before what it records takes effect, so that a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import RunFolder
from gibbsweep.folder.whole import write_json

N = TypeVar("N")

Memory = Literal["gpu", "host"]
"""``gpu``: the memory of one accelerator; ``host``: that of the machine, which all processes on it share."""


@dataclass(frozen=True)
class Restart:
    """A divergence of a run, and where it went on from, with which smaller steps, at what cost."""

    step: int
    """The update that diverged, from 0."""
    phase: str
    """The phase in which it did."""
    message: str
    """What left its bounds, in words."""
    resumed_at: int
    """Updates of the checkpoint that the run went on from; 0: from the start."""
    values: dict[str, float] = field(default_factory=dict)
    """Fields of the configuration, by path, with which it went on."""
    lost_seconds: float = 0.0
    """Device-seconds of the updates since that checkpoint."""
    lost_nfe: int | None = None
    """Network evaluations of those updates, per chain; None where no objective states them."""

    def __str__(self) -> str:
        start = f"the checkpoint of update {self.resumed_at}" if self.resumed_at else "the start"
        values = ", ".join(f"{path}={value:.4g}" for path, value in self.values.items())
        return f"{self.message}; it goes on from {start} with {values}"


@dataclass(frozen=True)
class MemoryRetry:
    """A run that ran out of memory beside others, and the larger share with which it went on."""

    contender: str
    """The contender whose run it is: its later runs ask for as much."""
    memory: Memory
    """The memory that ran out."""
    step: int
    """Updates of the checkpoint that the run went on from; 0: from the start."""
    before: int
    """The most workers that shared one device (``gpu``) or machine (``host``)."""
    after: int
    """The most that share it from then on."""
    cpus: int
    """CPUs that each worker of the run asks for from then on."""
    gpus: float
    """GPUs that each worker of the run asks for from then on."""
    message: str
    """What the error said."""
    lost_seconds: float = 0.0
    """Device-seconds since the run's last report, or its start."""
    certain: bool = True
    """Whether the memory did run out. Else its process ended without a word: the kernel may have killed it for
    memory."""

    def __str__(self) -> str:
        device = "a GPU" if self.memory == "gpu" else "a machine"
        start = f"the checkpoint of update {self.step}" if self.step else "the start"
        where = f"alone on {device}" if self.after == 1 else f"with at most {self.after} on {device}"
        what = "ran out of memory" if self.certain else "may have run out of memory"
        return f"{what} with up to {self.before} on {device}; it goes on from {start} {where}"


@dataclass(frozen=True)
class CheckpointCopy:
    """A checkpoint of another run that a member of a population went on from, and what the member had spent by then."""

    step: int
    """Updates of the checkpoint."""
    donor: str
    """The run whose checkpoint it was."""
    values: dict[str, Any]
    """Fields of the configuration, by path, with which the member went on."""
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Those of ``values`` that differ from the donor's: path -> (the donor's, the member's)."""
    lost: str = ""
    """How the member itself had ended, as ``KIND: MESSAGE``; "" where it had not."""
    device_seconds: float = 0.0
    """Device-seconds that the member had spent, which it keeps."""
    nfe: int | None = None
    """Network evaluations that it had spent, per chain."""
    samples: int = 0
    """Examples that it had seen."""
    done: bool = False
    """Whether the copy is complete. Until it is, it is made again, and the donor does not train."""

    @property
    def lost_as(self) -> str:
        """The kind of the outcome that the member had; "" for none."""
        return self.lost.partition(":")[0]

    def __str__(self) -> str:
        moved = ", ".join(
            f"{path.rsplit('.', 1)[-1]} {_short(a)} -> {_short(b)}" for path, (a, b) in self.changed.items()
        )
        return f"<- {self.donor} after {self.step} updates{f' ({moved})' if moved else ''}"


def read_restarts(run_dir: Path) -> list[Restart]:
    """The restarts of the run in ``run_dir``, in order."""
    return _read(RunFolder(run_dir).restarts, Restart)


def write_restarts(run_dir: Path, restarts: Sequence[Restart]) -> None:
    """Record ``restarts``, before the last of them begins.

    The checkpoint stays until the restarted run has a better one: a run that was killed before this record diverges
    again, to the same record; one that was killed after it goes on from it.
    """
    write_json(RunFolder(run_dir).restarts, [asdict(restart) for restart in restarts])


def read_memory_retries(run_dir: Path) -> list[MemoryRetry]:
    """The retries with more memory of the run in ``run_dir``, in order."""
    return _read(RunFolder(run_dir).memory_retries, MemoryRetry)


def write_memory_retries(run_dir: Path, retries: Sequence[MemoryRetry]) -> None:
    """Record ``retries``, before the run goes on.

    A sweep that was killed before this record runs out of memory again; one that was killed after it goes on with the
    larger share.
    """
    write_json(RunFolder(run_dir).memory_retries, [asdict(retry) for retry in retries])


def read_copies(run_dir: Path) -> list[CheckpointCopy]:
    """The checkpoints of others that the run in ``run_dir`` went on from, in order."""
    copies = _read(RunFolder(run_dir).copies, CheckpointCopy)
    # JSON knows no tuples.
    return [replace(c, changed={path: (there, here) for path, (there, here) in c.changed.items()}) for c in copies]


def write_copies(run_dir: Path, copies: Sequence[CheckpointCopy]) -> None:
    """Record ``copies``: the last one before it is made, and again, as ``done``, after it was."""
    write_json(RunFolder(run_dir).copies, [asdict(copy) for copy in copies])


def _read(path: Path, note: Callable[..., N]) -> list[N]:
    if not path.exists():
        return []
    try:
        return [note(**record) for record in json.loads(path.read_text())]
    except (TypeError, ValueError) as error:
        raise UserError(f"{path} is not what a run wrote ({error}): restore it from a copy") from error


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
