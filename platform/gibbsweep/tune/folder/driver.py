"""The process that drives a sweep, and how it is asked to stop: by Ctrl-C where it runs, by a file in the sweep's
folder from anywhere else.

A file is better than a signal: a sweep's folder may be shared by machines, containers and people, where a process id
means nothing outside its own machine; and a file cannot hit another process that has got the id of a driver that died.
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
from gibbsweep.folder import write_atomically
from gibbsweep.tune.folder.layout import SweepDir

LOOK_EVERY = 1.0
"""Seconds between two looks for a request to stop."""


@dataclass(frozen=True)
class Driver:
    """The process that drives a sweep, or drove it last: ``Driver.read(sweep)``."""

    host: str
    """Name of its machine."""
    pid: int
    """Its process id there."""
    started: float
    """Unix time at which it began to drive the sweep."""
    command: str
    """The command that continues the sweep, with ``--resume``."""

    @classmethod
    def read(cls, sweep: SweepDir) -> Driver | None:
        """The last driver of ``sweep``; None for a sweep that never had one."""
        path = sweep.driver
        return cls(**json.loads(path.read_text())) if path.exists() else None


@contextmanager
def only_driver(sweep: SweepDir, command: str) -> Iterator[None]:
    """A context in which no other process drives ``sweep``; UserError if one already does. The lock ends with the
    process, however it ends. ``command``: the one that continues the sweep."""
    lock = FileLock(sweep.driver_lock, timeout=1.0)  # a process that only looks holds it for an instant
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"sweep {sweep.name!r} is being run by another process: wait for it, or stop it with: "
            f"{stop_command(sweep)}, before resuming it."
        ) from None
    try:
        _request_file(sweep).unlink(missing_ok=True)  # meant for a driver that is gone
        driver = Driver(socket.gethostname(), os.getpid(), time.time(), command)
        write_atomically(sweep.driver, json.dumps(asdict(driver), indent=1).encode())
        yield
    finally:
        _request_file(sweep).unlink(missing_ok=True)
        lock.release()


@contextmanager
def claimed(sweep: SweepDir) -> Iterator[bool]:
    """A context in which no other process makes or drives ``sweep``, whose folder is there. Its value is False if one
    already does, or has made the sweep."""
    lock = FileLock(sweep.driver_lock, timeout=1.0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield not sweep.record_path.exists()
    finally:
        lock.release()


def is_driven(sweep: SweepDir) -> bool:
    """Whether a process drives ``sweep``. Takes the driver's lock for an instant, shared; a driver that is just
    starting waits that long for it."""
    try:
        file = os.open(sweep.driver_lock, os.O_RDONLY)
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
    """The command that continues ``sweep``. ``command``: the one that runs its script."""
    return f"{command} --resume {sweep.name}{_runs_option(sweep)}"


def stop_command(sweep: SweepDir) -> str:
    """The command that stops ``sweep`` from another terminal."""
    return f"gibbsweep stop {sweep.name}{_runs_option(sweep)}"


def request_stop(sweep: SweepDir) -> None:
    """Ask the driver of ``sweep`` to stop, as the first Ctrl-C does."""
    request = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
    write_atomically(_request_file(sweep), json.dumps(request).encode())


def stop_requested(sweep: SweepDir) -> bool:
    """Whether the folder of ``sweep`` holds a request to stop."""
    return _request_file(sweep).exists()


class StopRequest:
    """The wish that this process, which drives ``sweep``, stops. Once there, it stays::

    with StopRequest(sweep) as stop:  # the first Ctrl-C sets stop.requested, the second raises KeyboardInterrupt
        while not stop.requested:
            work()
    """

    def __init__(self, sweep: SweepDir) -> None:
        self._sweep, self._requested, self._pressed, self._looked_at = sweep, False, False, -LOOK_EVERY
        self._handler_before: Any = None

    @property
    def requested(self) -> bool:
        """Whether Ctrl-C or the file in the sweep's folder has asked for a stop."""
        now = time.monotonic()
        if not self._requested and now - self._looked_at >= LOOK_EVERY:
            self._looked_at, self._requested = now, stop_requested(self._sweep)
        return self._requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # signals reach no other thread
            self._handler_before = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handler_before is not None:
            signal.signal(signal.SIGINT, self._handler_before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._requested = self._pressed = True


def _request_file(sweep: SweepDir) -> Path:
    return sweep.stop_request


def _runs_option(sweep: SweepDir) -> str:
    return "" if sweep.path.parent == Path("runs") else f" --runs {shlex.quote(str(sweep.path.parent))}"
