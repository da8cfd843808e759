"""One process a run folder, and how often it began in vain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.train.files import write_atomically

CRASHES_ALLOWED = 2
"""A run whose process died starts again from its checkpoint this many times, and anew once it has advanced."""
_ORPHAN_S = 60.0
"""A cluster takes a while to notice that a driver died, and its trials train on until then."""


@contextmanager
def only_process(run_dir: Path, wait_s: float = _ORPHAN_S) -> Iterator[None]:
    """Inside, no other process trains in ``run_dir``. The lock ends with its process, however that ends; one that is about to end is
    waited for, ``wait_s`` seconds."""
    run_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run_dir / "run.lock", timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"another process trains in {run_dir}: wait for it to end, or choose another run folder."
        ) from None
    try:
        yield
    finally:
        lock.release()


def begun(run_dir: Path, session: str, step: int) -> int:
    """Record that a process of ``session`` begins at update ``step`` of the run in ``run_dir``; returns how many have, this one included,
    since the run last advanced."""
    path, count = run_dir / "begun.json", 1
    if path.exists():
        before = json.loads(path.read_text())
        if (before["session"], before["step"]) == (session, step):
            count = before["count"] + 1
    write_atomically(path, json.dumps({"session": session, "step": step, "count": count}).encode())
    return count


def in_vain(run_dir: Path) -> int:
    """How many processes have begun since the run last advanced, as :func:`begun` has them on record."""
    path = run_dir / "begun.json"
    return int(json.loads(path.read_text())["count"]) if path.exists() else 0


def forgive(run_dir: Path) -> None:
    """What has begun in vain so far was no fault of the run: it was not given what it needs."""
    (run_dir / "begun.json").unlink(missing_ok=True)
