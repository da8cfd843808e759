"""The process that drives a sweep, and how it is asked to stop: by Ctrl-C where it runs, by SIGTERM from a scheduler or
the system, by a file in the sweep's folder from anywhere else.

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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from gibbsweep.errors import UserError
from gibbsweep.folder import write_atomically
from gibbsweep.folder.layout import default_runs
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
    folder: str = ""
    """The folder in which that command was typed; empty in records that do not say."""

    @property
    def command_from_here(self) -> str:
        """The command that continues the sweep, for the folder that this process is in."""
        if not self.folder or self.folder == os.getcwd() or self.command.endswith("])"):
            return self.command
        return f"cd {shlex.quote(self.folder)} && {self.command}"

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
    except PermissionError as error:
        raise _of_another_user(sweep, error) from error
    try:
        _request_file(sweep).unlink(missing_ok=True)  # meant for a driver that is gone
        driver = Driver(socket.gethostname(), os.getpid(), time.time(), command, os.getcwd())
        try:
            write_atomically(sweep.driver, json.dumps(asdict(driver), indent=1).encode())
        except PermissionError as error:
            raise _of_another_user(sweep, error) from error
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


def _of_another_user(sweep: SweepDir, error: PermissionError) -> UserError:
    return UserError(
        f"sweep {sweep.name!r} belongs to another user ({error.filename} cannot be written): you can look at it with "
        f"{look_command(sweep)}, and start a sweep of your own with --from {shlex.quote(str(sweep.path))}."
    )


def is_driven(sweep: SweepDir) -> bool:
    """Whether a process drives ``sweep``. Takes the driver's lock for an instant, shared; a driver that is just
    starting waits that long for it."""
    return is_locked(sweep.driver_lock)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock ``path``, which is taken for an instant, shared."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def resume_command(command: str, sweep: SweepDir, options: Sequence[str] = ()) -> str:
    """The command that continues ``sweep``. ``command``: the one that runs its script; ``options``: words of options
    that are not on record."""
    return add_words(command, ["--resume", sweep.name, *_runs_words(sweep), *options])


def add_words(command: str, words: Sequence[str]) -> str:
    """``command`` with more ``words``: a command of the shell, or a call that ends in a list of words."""
    if not command.endswith("])"):
        return f"{command} {shlex.join(words)}" if words else command
    before = command[: -len("])")]
    return f"{before}{'' if before.endswith('[') else ', '}{', '.join(json.dumps(word) for word in words)}])"


def stop_command(sweep: SweepDir) -> str:
    """The command that stops ``sweep`` from another terminal."""
    return shlex.join(["gibbsweep", "stop", sweep.name, *_runs_words(sweep)])


def look_command(sweep: SweepDir) -> str:
    """The command that shows where ``sweep`` stands."""
    return shlex.join(["gibbsweep", "status", sweep.name, *_runs_words(sweep)])


def request_stop(sweep: SweepDir) -> None:
    """Ask the driver of ``sweep`` to stop, as the first Ctrl-C does. Raises UserError for the sweep of another user."""
    request = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
    try:
        write_atomically(_request_file(sweep), json.dumps(request).encode())
    except PermissionError as error:
        raise _of_another_user(sweep, error) from error


def stop_requested(sweep: SweepDir) -> bool:
    """Whether the folder of ``sweep`` holds a request to stop."""
    return _request_file(sweep).exists()


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP asks this process to end while it does nothing that has to be finished first."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """What the program exits with: 143 for SIGTERM, as a shell says it."""


@contextmanager
def terminated_as_error() -> Iterator[None]:
    """A context in which SIGTERM, and SIGHUP unless it is ignored (``nohup``), raise :class:`Terminated`."""
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Terminated(number)

    before = _set_handlers(_ENDING, end)
    try:
        yield
    except Exception as error:
        if received:  # the code that the signal fell into has made an error of its own of it
            raise Terminated(received[0]) from error
        raise
    finally:
        _restore_handlers(before)


class StopRequest:
    """The wish that this process, which drives ``sweep``, stops. Once there, it stays::

    with StopRequest(sweep) as stop:  # the first Ctrl-C sets stop.requested, the second raises KeyboardInterrupt
        while not stop.requested:
            work()

    SIGTERM asks as the first Ctrl-C does, however often it is sent: schedulers send it to a process and to its group.
    """

    exit_code: int
    """What the program exits with once it has stopped: 130, as after Ctrl-C, or 143 after SIGTERM."""
    at_termination: Callable[[], None]
    """What the main thread does when SIGTERM or SIGHUP arrives, before it goes on."""

    def __init__(self, sweep: SweepDir) -> None:
        self.at_termination = lambda: None
        self._sweep, self._requested, self._pressed, self._looked_at = sweep, False, False, -LOOK_EVERY
        self._handlers_before: dict[int, Any] = {}
        self.exit_code = 128 + signal.SIGINT

    @property
    def terminated(self) -> bool:
        """Whether SIGTERM or SIGHUP has asked for a stop; a sender may have sent it to the trials, too."""
        return self.exit_code != 128 + signal.SIGINT

    @property
    def requested(self) -> bool:
        """Whether Ctrl-C, SIGTERM or the file in the sweep's folder has asked for a stop."""
        now = time.monotonic()
        if not self._requested and now - self._looked_at >= LOOK_EVERY:
            self._looked_at, self._requested = now, stop_requested(self._sweep)
        return self._requested

    def __enter__(self) -> Self:
        self._handlers_before = _set_handlers((signal.SIGINT,), self._interrupt)
        self._handlers_before |= _set_handlers(_ENDING, self._terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore_handlers(self._handlers_before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._requested = self._pressed = True

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._requested = self._pressed = True
        self.exit_code = 128 + number
        self.at_termination()


_ENDING = (signal.SIGTERM, signal.SIGHUP)
"""The signals by which the system, a scheduler or a lost terminal ends a process."""


def _set_handlers(numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> dict[int, Any]:
    """Handle the signals ``numbers`` that are not ignored with ``handler``; returns the handlers before. Signals reach
    no thread but the main one, where this is called from another one nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    handled = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in handled}


def _restore_handlers(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: set outside of Python


def _request_file(sweep: SweepDir) -> Path:
    return sweep.stop_request


def _runs_words(sweep: SweepDir) -> list[str]:
    return [] if sweep.path.parent == default_runs() == Path("runs") else ["--runs", str(sweep.path.parent)]
