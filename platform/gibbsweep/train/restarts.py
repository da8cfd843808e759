"""What a run did about its divergences: where it went back to, with which smaller steps, and what that cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gibbsweep.train.files import write_atomically
from gibbsweep.train.streams import Stream
from gibbsweep_models import draws


@dataclass(frozen=True)
class Restart:
    """The divergence at update ``step`` (from 0) in ``phase``, and the way on: from the checkpoint of ``resumed_at`` updates (0:
    from the start), with the fields of the configuration in ``values``. ``lost_seconds`` and ``lost_nfe`` are what the updates
    since that checkpoint had cost."""

    step: int
    phase: str
    message: str
    resumed_at: int
    values: dict[str, float] = field(default_factory=dict)
    lost_seconds: float = 0.0
    lost_nfe: int | None = None

    def __str__(self) -> str:
        start = f"the checkpoint of update {self.resumed_at}" if self.resumed_at else "the start"
        values = ", ".join(f"{path}={value:.4g}" for path, value in self.values.items())
        return f"{self.message}; it goes on from {start} with {values}"


def read_restarts(run_dir: Path) -> list[Restart]:
    """The restarts of the run in ``run_dir``, in order."""
    path = run_dir / "restarts.json"
    return [Restart(**record) for record in json.loads(path.read_text())] if path.exists() else []


def write_restarts(run_dir: Path, restarts: Sequence[Restart]) -> None:
    """Written before a restart begins. With the checkpoint, which stays as it is until the restarted run has a better one, that
    is all that a killed run must know: killed before, it diverges again, to the same record; killed after, it goes on from it."""
    write_atomically(run_dir / "restarts.json", json.dumps([asdict(r) for r in restarts], indent=1).encode())


def seed_after(seed: int, n_restarts: int) -> int:
    """The seed of the data order and of all noise after ``n_restarts``; ``seed`` itself before the first."""
    return draws.mix(seed, Stream.RESTART, n_restarts) if n_restarts else seed
