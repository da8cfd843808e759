"""How a run of the loop ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from gibbsweep.train.files import json_number, parse_number, write_atomically
from gibbsweep.train.repackings import Repacking
from gibbsweep.train.restarts import Restart

OutcomeKind = Literal["completed", "pruned", "diverged", "failed", "paused"]
OUTCOME_KINDS: tuple[OutcomeKind, ...] = ("completed", "pruned", "diverged", "failed")
"""How a run can have ended; one that is paused has not."""


@dataclass(frozen=True)
class Outcome:
    """``completed``: all updates done; ``pruned``: stopped by the sweep; ``diverged``: the model left its bounds (a result, not
    an accident); ``failed``: an error; ``paused``: it waits with its checkpoint to be continued. ``step``: the updates that its weights
    have seen. ``device_seconds``: time spent in updates, summed over workers, evaluation excluded; ``samples``: examples seen in them;
    ``nfe``: network evaluations per chain of the samplers of training, where an objective states them. All three include the updates
    that ``restarts`` threw away. ``phase``: that of the divergence that ended it. ``repackings``: how often it ran out of memory beside
    others, whose device-seconds are not among its own."""

    outcome: OutcomeKind
    step: int
    metrics: dict[str, float] = field(default_factory=dict)
    device_seconds: float = 0.0
    message: str = ""
    precision: str = ""
    device: str = ""
    phase: str = ""
    samples: int = 0
    nfe: int | None = None
    restarts: tuple[Restart, ...] = ()
    repackings: tuple[Repacking, ...] = ()

    @property
    def lost_seconds(self) -> float:
        """Those of ``device_seconds`` whose updates restarts threw away."""
        return sum(restart.lost_seconds for restart in self.restarts)

    @property
    def undisturbed(self) -> bool:
        """Whether it completed without a restart."""
        return self.outcome == "completed" and not self.restarts

    def __str__(self) -> str:
        counts = (
            (len(self.restarts), "restart", "restarts"),
            (len(self.repackings), "retry with more memory", "retries with more memory"),
        )
        after = [f"{n} {one if n == 1 else many}" for n, one, many in counts if n]
        return f"{self.outcome} after {' and '.join(after)}" if after else self.outcome

    def write(self, run_dir: Path) -> None:
        record = asdict(self) | {"metrics": {k: json_number(v) for k, v in self.metrics.items()}}
        write_atomically(run_dir / _file(self.outcome == "paused"), json.dumps(record, indent=1).encode())

    @classmethod
    def read(cls, run_dir: Path, *, paused: bool = False) -> Outcome | None:
        """The outcome of the run in ``run_dir``, or None while it has not ended; with ``paused``, how it last paused, or None."""
        path = run_dir / _file(paused)
        if not path.exists():
            return None
        record = json.loads(path.read_text())
        record["metrics"] = {k: parse_number(v) for k, v in record["metrics"].items()}
        restarts = tuple(Restart(**restart) for restart in record.pop("restarts", ()))
        repackings = tuple(Repacking(**repacking) for repacking in record.pop("repackings", ()))
        return cls(**record, restarts=restarts, repackings=repackings)


def _file(paused: bool) -> str:
    # A file of its own: whoever waits for the outcome must not take a pause for it.
    return "paused.json" if paused else "outcome.json"


def survived(outcome: Outcome, updates: int) -> float:
    """The share of ``updates`` that were done before the first divergence, 1 without one."""
    if outcome.restarts:
        return outcome.restarts[0].step / updates
    return outcome.step / updates if outcome.outcome == "diverged" else 1.0


STABILITY = "stability"
"""Of a run: the share of its budget's updates done before its first divergence, 1 without one. Of a table's row: the share of its
retrained seeds that completed without a divergence, ``n`` of them."""
