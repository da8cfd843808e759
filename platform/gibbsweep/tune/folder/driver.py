"""Who drives a sweep, and how it is asked to stop: Ctrl-C where it runs, a file in its folder from anywhere else.

A file, not a signal: a sweep's folder may be shared by machines, containers and people, and a process id means nothing to another
one; and a request in a file cannot hit a process that has got the id of a driver that died.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.train.files import write_atomically
from gibbsweep.tune.folder.layout import SweepDir

LOOK_EVERY = 1.0
"""Seconds between two looks for a request to stop."""


@dataclass(frozen=True)
class Driver:
    """``command``: what continues its sweep, with ``--resume``."""

    host: str
    pid: int
    started: float
    command: str

    @classmethod
    def read(cls, sweep: SweepDir) -> Driver | None:
        """The last one of ``sweep``; None for a sweep that never had one."""
        path = sweep.path / "driver.json"
        return cls(**json.loads(path.read_text())) if path.exists() else None


@contextmanager
def only_driver(sweep: SweepDir, command: str) -> Iterator[None]:
    """Inside, no other process drives this sweep; the lock ends with the process, however it ends. ``command`` is that of a resume."""
    lock = FileLock(sweep.path / "driver.lock", timeout=1.0)  # who only looks holds it for an instant
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"sweep {sweep.name!r} is being run by another process: wait for it, or stop it with: "
            f"{stop_command(sweep)}, before resuming it."
        ) from None
    try:
        _request(sweep).unlink(missing_ok=True)  # meant for a driver that is gone
        driver = Driver(socket.gethostname(), os.getpid(), time.time(), command)
        write_atomically(sweep.path / "driver.json", json.dumps(asdict(driver), indent=1).encode())
        yield
    finally:
        _request(sweep).unlink(missing_ok=True)
        lock.release()


def driven(sweep: SweepDir) -> bool:
    """Whether a process drives ``sweep``. Asks for the lock that its driver holds, shared and for an instant, which a driver that is
    just starting waits for."""
    try:
        file = os.open(sweep.path / "driver.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def resume_command(command: str, sweep: SweepDir) -> str:
    """What continues ``sweep``: ``command`` is the script's."""
    return f"{command} --resume {sweep.name}{_runs(sweep)}"


def stop_command(sweep: SweepDir) -> str:
    return f"gibbsweep stop {sweep.name}{_runs(sweep)}"


def request_stop(sweep: SweepDir) -> None:
    """Ask whoever drives ``sweep`` to stop as Ctrl-C does."""
    asking = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
    write_atomically(_request(sweep), json.dumps(asking).encode())


def stop_requested(sweep: SweepDir) -> bool:
    return _request(sweep).exists()


class Stopping:
    """Whether this process, which drives ``sweep``, is to stop: once asked for, it stays so. Inside the context the first Ctrl-C
    asks for it; the second raises KeyboardInterrupt."""

    def __init__(self, sweep: SweepDir) -> None:
        self._sweep, self._asked, self._pressed, self._looked = sweep, False, False, -LOOK_EVERY
        self._before: Any = None

    @property
    def asked(self) -> bool:
        now = time.monotonic()
        if not self._asked and now - self._looked >= LOOK_EVERY:
            self._looked, self._asked = now, stop_requested(self._sweep)
        return self._asked

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # signals reach no other
            self._before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._asked = self._pressed = True


def _request(sweep: SweepDir) -> Path:
    return sweep.path / "stop.json"


def _runs(sweep: SweepDir) -> str:
    return "" if sweep.path.parent == Path("runs") else f" --runs {shlex.quote(str(sweep.path.parent))}"
