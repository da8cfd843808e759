"""One process a run folder, and how often it began in vain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.train.files import write_atomically

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
