"""How a run of the loop ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from gibbsweep.train.files import json_number, parse_number, write_atomically

OutcomeKind = Literal["completed", "pruned", "diverged", "failed"]
OUTCOME_KINDS: tuple[OutcomeKind, ...] = ("completed", "pruned", "diverged", "failed")


@dataclass(frozen=True)
class Outcome:
    """``completed``: all updates done; ``pruned``: stopped by the sweep; ``diverged``: the model left its bounds (a result, not
    an accident); ``failed``: an error. ``device_seconds``: time spent in updates, summed over workers, evaluation excluded."""

    outcome: OutcomeKind
    step: int
    metrics: dict[str, float] = field(default_factory=dict)
    device_seconds: float = 0.0
    message: str = ""
    precision: str = ""
    device: str = ""

    def write(self, run_dir: Path) -> None:
        record = asdict(self) | {"metrics": {k: json_number(v) for k, v in self.metrics.items()}}
        write_atomically(run_dir / "outcome.json", json.dumps(record, indent=1).encode())

    @classmethod
    def read(cls, run_dir: Path) -> Outcome | None:
        """The outcome of the run in ``run_dir``, or None while it has not ended."""
        path = run_dir / "outcome.json"
        if not path.exists():
            return None
        record = json.loads(path.read_text())
        record["metrics"] = {k: parse_number(v) for k, v in record["metrics"].items()}
        return cls(**record)
