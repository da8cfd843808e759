"""One process a run folder, and how often processes began there without getting on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import RunFolder
from gibbsweep.folder.whole import write_atomically

CRASHES_ALLOWED = 2
"""A run whose process died starts again from its checkpoint this many times, and anew once it has advanced."""
_ORPHAN_S = 60.0
"""A cluster takes a while to notice that a driver died, and its trials train on until then."""


@contextmanager
def only_process(run_dir: Path, wait_s: float = _ORPHAN_S) -> Iterator[None]:
    """Inside the block, no other process trains in ``run_dir``.

    The lock ends with its process, however that ends; a process that is about to end is waited for, ``wait_s`` seconds.
    Raises UserError where it holds the lock for longer, and for the folder of another user.
    """
    lock = FileLock(RunFolder(run_dir).lock, timeout=wait_s)
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UserError(
            f"another process trains in {run_dir}: wait for it to end, or choose another run folder."
        ) from None
    except PermissionError as error:
        raise UserError(
            f"the run folder {run_dir} belongs to another user ({error.filename} cannot be written): "
            "choose a run folder of your own."
        ) from error
    try:
        yield
    finally:
        lock.release()


def count_start(run_dir: Path, session: str, step: int) -> int:
    """Record that a process begins at update ``step`` of the run in ``run_dir``, in the driver's ``session``.

    Returns how many have begun since the run last advanced, this one included.
    """
    path, count = RunFolder(run_dir).starts, 1
    if path.exists():
        before = json.loads(path.read_text())
        if (before["session"], before["step"]) == (session, step):
            count = before["count"] + 1
    write_atomically(path, json.dumps({"session": session, "step": step, "count": count}).encode())
    return count


def starts_in_vain(run_dir: Path) -> int:
    """How many processes have begun since the run last advanced, as :func:`count_start` recorded."""
    path = RunFolder(run_dir).starts
    return int(json.loads(path.read_text())["count"]) if path.exists() else 0


def forget_starts(run_dir: Path) -> None:
    """Count from none again: what began in vain so far was no fault of the run, which had too little memory."""
    RunFolder(run_dir).starts.unlink(missing_ok=True)
