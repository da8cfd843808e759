"""What a sweep did about a run that ran out of memory: how many of its kind share a device from then on, and what that cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gibbsweep.train.files import write_atomically
from gibbsweep.train.out_of_memory import Memory


@dataclass(frozen=True)
class Repacking:
    """A run of ``contender`` ran out of ``memory`` with up to ``before`` workers on one device (``gpu``) or machine (``host``). It goes
    on from the checkpoint of ``step`` updates (0: from the start) with at most ``after``: each of its workers then asks for
    ``cpus`` and ``gpus``. ``lost_seconds``: device-seconds since its last report, or its start. ``certain``: the memory did run
    out; else its process ended without a word, which the kernel does to one that wants too much."""

    contender: str
    memory: Memory
    step: int
    before: int
    after: int
    cpus: int
    gpus: float
    message: str
    lost_seconds: float = 0.0
    certain: bool = True

    def __str__(self) -> str:
        device = "a GPU" if self.memory == "gpu" else "a machine"
        start = f"the checkpoint of update {self.step}" if self.step else "the start"
        where = f"alone on {device}" if self.after == 1 else f"with at most {self.after} on {device}"
        what = "ran out of memory" if self.certain else "may have run out of memory"
        return f"{what} with up to {self.before} on {device}; it goes on from {start} {where}"


def read_repackings(run_dir: Path) -> list[Repacking]:
    """Those of the run in ``run_dir``, in order."""
    path = _file(run_dir)
    return [Repacking(**record) for record in json.loads(path.read_text())] if path.exists() else []


def write_repackings(run_dir: Path, repackings: Sequence[Repacking]) -> None:
    """Written before the run goes on. With its checkpoint that is all that a killed sweep must know: killed before, the run goes on
    as it was, and runs out of memory again; killed after, it goes on with more room."""
    write_atomically(_file(run_dir), json.dumps([asdict(r) for r in repackings], indent=1).encode())


def _file(run_dir: Path) -> Path:
    return run_dir / "packing.json"
