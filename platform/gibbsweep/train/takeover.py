"""A run goes on from another run's checkpoint: the *exploit* step of population-based training (Jaderberg et al. 2017, algorithm 1)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.train.checkpoint import read_checkpoint, read_progress
from gibbsweep.train.files import write_atomically
from gibbsweep.train.outcome import Outcome
from gibbsweep.train.report import spent


@dataclass(frozen=True)
class Takeover:
    """After ``step`` updates the run took the checkpoint of the run ``donor`` and went on with ``values``, in which ``changed`` says
    what was another for the donor: path -> (there, here). ``lost``: how the run itself had ended, where it had. ``device_seconds``,
    ``nfe`` and ``samples`` are what it had spent by then, which it keeps."""

    step: int
    donor: str
    values: dict[str, Any]
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    lost: str = ""
    device_seconds: float = 0.0
    nfe: int | None = None
    samples: int = 0
    done: bool = False

    @property
    def lost_as(self) -> str:
        """The kind of the outcome that it had; "" for none."""
        return self.lost.partition(":")[0]

    def __str__(self) -> str:
        moved = ", ".join(
            f"{path.rsplit('.', 1)[-1]} {_short(a)} -> {_short(b)}" for path, (a, b) in self.changed.items()
        )
        return f"<- {self.donor} after {self.step} updates{f' ({moved})' if moved else ''}"


def read_takeovers(run_dir: Path) -> list[Takeover]:
    """Those of the run in ``run_dir``, in order."""
    path = run_dir / "takeovers.json"
    if not path.exists():
        return []
    records = json.loads(path.read_text())
    return [Takeover(**{**r, "changed": {k: tuple(v) for k, v in r["changed"].items()}}) for r in records]


def take_over(run_dir: Path, donor_dir: Path, takeover: Takeover, batch_size: int) -> Takeover:
    """Replace the checkpoint in ``run_dir`` with ``donor_dir``'s, tensor for tensor, and its outcome, if it had one, with none. What
    the run has spent is put on record before anything is touched and the mark ``done`` after everything, so that a call that was
    killed at any moment is simply made again; the donor must not train before it is done."""
    before = read_takeovers(run_dir)
    known = next((t for t in before if t.step == takeover.step), None)
    if known is None:
        known = _with_spent(takeover, run_dir)
        _write(run_dir, [*before, known])
    if known.done:
        return known
    state, _ = read_checkpoint(donor_dir / "checkpoint")
    if state["step"] != takeover.step:
        raise UserError(
            f"{run_dir.name} is to go on from the checkpoint of {takeover.donor} after {takeover.step} updates, and it has "
            f"{state['step']}: restore {donor_dir / 'checkpoint'} from a copy, or start the sweep anew."
        )
    folder = run_dir / "checkpoint"
    # A name of its own: the run's own checkpoint stays whole until the new state counts.
    tensor_file = folder / f"step-{takeover.step:08d}-from-{takeover.donor}.safetensors"
    write_atomically(tensor_file, (donor_dir / "checkpoint" / state["tensors"]).read_bytes())
    own = {
        "tensors": tensor_file.name,
        "device_seconds": known.device_seconds,
        "nfe": known.nfe,
        "elsewhere": takeover.step - known.samples // batch_size,
    }
    try:
        write_atomically(folder / "state.json", json.dumps(state | own, indent=1).encode())
    except OSError:
        tensor_file.unlink()  # on a full disk it would stand in the way of what frees it
        raise
    for old in (*folder.glob("step-*.safetensors"), *folder.glob(".*.tmp")):
        if old != tensor_file:
            old.unlink()
    for ended in ("outcome.json", "paused.json"):
        (run_dir / ended).unlink(missing_ok=True)
    done = Takeover(**{**vars(known), "done": True})
    _write(run_dir, [*(t for t in before if t.step != takeover.step), done])
    return done


def _with_spent(takeover: Takeover, run_dir: Path) -> Takeover:
    ended = Outcome.read(run_dir)
    paused = Outcome.read(run_dir, paused=True)
    if ended is not None:
        cost: dict[str, Any] = {"device_seconds": ended.device_seconds, "nfe": ended.nfe, "samples": ended.samples}
    elif paused is not None and paused.step == takeover.step:
        cost = {"device_seconds": paused.device_seconds, "nfe": paused.nfe, "samples": paused.samples}
    else:  # killed between its report and its pause
        cost = spent(run_dir) or {"device_seconds": read_progress(run_dir / "checkpoint").device_seconds}
    lost = "" if ended is None else f"{ended.outcome}: {ended.message}"
    return Takeover(**{**vars(takeover), "lost": lost, **cost})


def _write(run_dir: Path, takeovers: list[Takeover]) -> None:
    write_atomically(run_dir / "takeovers.json", json.dumps([asdict(t) for t in takeovers], indent=1).encode())


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
