"""The tracking process: follows all trial folders of a sweep and feeds MLflow, until its driver says how the sweep
ended.

``python -m gibbsweep.track.follower`` reads two JSON lines from standard input: what to follow, and how the sweep
ended. It then writes its report to standard output. If the input ends before the second line, the driver is gone,
and the process ends at once, as in a crash.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from filelock import Timeout

from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import SPOOL
from gibbsweep.track.log import log_to
from gibbsweep.track.mirror.report import SyncReport
from gibbsweep.track.mirror.sweep import SweepMirror, one_line, sweep_lock

if TYPE_CHECKING:
    from logging import Logger

MAX_WAIT_S = 30.0
"""The longest pause between two attempts, in seconds."""
NICENESS = 5
"""The process's niceness. Where it and the driver, which trials wait for, want the same processor, it gets a third
of the driver's share. Trials have the same by default, so that it is one more beside them, however many there are."""


@dataclass(frozen=True)
class Followed:
    """The first line of input: what to follow."""

    sweep_dir: str
    """The sweep's folder."""
    tracking_uri: str
    """The store."""
    experiment: str
    """The name of the experiment."""
    period_s: float
    """Seconds between passes."""
    system_metrics: bool
    """Whether the machine's load is tracked, as metrics of the sweep's own run."""


@dataclass(frozen=True)
class Ending:
    """The second line of input: the sweep has ended."""

    status: str
    """The status that it ended with."""
    timeout_s: float
    """For how many seconds to go on sending what is left."""


class Follower:
    """Passes over a sweep again and again, with growing pauses while the store does not answer. Errors go to
    ``track.log``::

        follower = Follower(followed)
        threading.Thread(target=lambda: follower.close(wait_for_the_end())).start()
        report = follower.follow()
    """

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self._sweep = SweepFolder(Path(followed.sweep_dir))
        self._closing = threading.Event()
        self._status, self._deadline = "", float("inf")
        self._error = ""
        self._mirror: SweepMirror | None = None
        self._monitor: Any = None  # MLflow's monitor carries no types

    def close(self, ending: Ending) -> None:
        """Ends :meth:`follow`, which runs in another thread: the sweep has ended."""
        self._status, self._deadline = ending.status, time.monotonic() + ending.timeout_s
        self._closing.set()

    def follow(self) -> SyncReport:
        """Follows the sweep until it has ended and all is sent, or the time for that is over."""
        # MLflow's import and first migration take seconds of a core, which the first trials need to start on.
        while not any(self._sweep.runs_with(SPOOL)):
            if self._closing.wait(self._followed.period_s / 10):
                break
        try:
            with log_to(self._sweep.track_log) as log:
                try:
                    self._wait_for_lock_and_follow(log)
                except Exception as error:
                    log.exception("tracking ended")
                    self._error = one_line(error)
        except (ImportError, OSError) as error:  # no MLflow or no log: the sweep goes on, and its end reports the error
            self._error = one_line(error)
        self._closing.wait()  # the report is about the whole sweep
        return (self._mirror or self._new_mirror()).report(self._error)

    def _new_mirror(self) -> SweepMirror:
        followed = self._followed
        return SweepMirror(self._sweep.path, tracking_uri=followed.tracking_uri, experiment=followed.experiment)

    def _wait_for_lock_and_follow(self, log: Logger) -> None:
        while True:
            try:
                with sweep_lock(self._sweep.path):
                    self._follow_locked(log)
                return
            except Timeout:
                self._error = f"{self._sweep.path} is being tracked by another process"
                log.warning(self._error)
            if self._closing.wait(self._followed.period_s):
                return

    def _follow_locked(self, log: Logger) -> None:
        followed = self._followed
        mirror = self._new_mirror()
        mirror.set_ending("")
        self._mirror, self._error = mirror, ""
        failures = 0
        while True:
            closing = self._closing.is_set()
            if closing:
                mirror.set_ending(self._status)
                self._stop_monitor()
            try:
                error = mirror.send(ending=self._status if closing else "")
                if error and error != self._error:
                    log.error(error)
                self._error, failures = error, 0
                if closing:
                    return
                self._watch_system(mirror.run_id)
            except Exception as caught:
                failures += 1
                self._error = one_line(caught)
                log.warning("attempt %d failed: %s", failures, self._error, exc_info=failures == 1)
            if closing and time.monotonic() + followed.period_s > self._deadline:
                return
            pause = pause_after(failures, followed.period_s)
            if closing:
                time.sleep(min(followed.period_s, 1.0))
            else:
                self._closing.wait(pause)

    def _watch_system(self, run_id: str) -> None:
        """Starts MLflow's monitor of the machine, again if need be: it ends by itself at the first request that
        fails."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        if not self._followed.system_metrics:
            return
        thread = self._monitor._process if self._monitor is not None else None
        if thread is None or not thread.is_alive():
            untyped: Any = SystemMetricsMonitor
            self._monitor = untyped(run_id, resume_logging=True, tracking_uri=self._followed.tracking_uri)
            self._monitor.start()

    def _stop_monitor(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.finish()


def pause_after(failures: int, period_s: float) -> float:
    """Seconds to the next attempt: twice as many after each failure in a row, up to ``MAX_WAIT_S``."""
    # A store may be away for thousands of attempts, and 2 to that power is too large for a float.
    return min(period_s * 2 ** min(failures, 20), MAX_WAIT_S) if failures else period_s


def _read_ending(driver: TextIO, follower: Follower) -> None:
    """Closes ``follower`` when ``driver`` says so; ends the process when the driver is gone or waits no longer."""
    line = driver.readline()
    if not line:
        os._exit(1)
    follower.close(Ending(**json.loads(line)))
    if not driver.readline():  # there is no third line: the driver has closed its end
        os._exit(1)


def main() -> None:
    """Runs the tracking process (see the module)."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to this process as well as to the driver
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not mix with the answer
    follower = Follower(Followed(**json.loads(sys.stdin.readline())))
    threading.Thread(target=_read_ending, args=(sys.stdin, follower), daemon=True).start()
    print(json.dumps(asdict(follower.follow())), file=answer, flush=True)
    os._exit(0)  # MLflow's threads are not waited for: everything has been sent


if __name__ == "__main__":
    main()
