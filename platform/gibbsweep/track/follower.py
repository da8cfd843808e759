"""The tracking process: follows all trial folders of a sweep and feeds MLflow, until its driver says how the sweep
ended.

``python -m gibbsweep.track.follower`` reads what to follow as one JSON line from its standard input, and the end as a
second one; it
answers with its report on standard output. Where the input ends before that, the driver is gone: it ends at once,
wherever it is, as a
crash would.
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
from gibbsweep.track.chatter import log_to
from gibbsweep.track.report import SyncReport
from gibbsweep.track.sweep import SweepMirror, one_line, sweep_lock

if TYPE_CHECKING:
    from logging import Logger

MAX_WAIT_S = 30.0
NICENESS = 5
"""Gives way to the driver, which trials wait for: a third of its share where both want a processor. Not to trials,
which Ray starts at 15:
it goes on however many there are."""


@dataclass(frozen=True)
class Followed:
    """What the first line says. ``period_s``: seconds between passes; ``system_metrics``: the machine's load, on the
    sweep's own run."""

    sweep_dir: str
    tracking_uri: str
    experiment: str
    period_s: float
    system_metrics: bool


@dataclass(frozen=True)
class Ending:
    """What the second line says: the status that the sweep ended with, and for how long to go on sending what is
    left."""

    status: str
    timeout_s: float


class Follower:
    """Passes over the sweep, with growing pauses while the store does not answer. Errors go to ``track.log``."""

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self._sweep = SweepFolder(Path(followed.sweep_dir))
        self._closing = threading.Event()
        self._status, self._deadline = "", float("inf")
        self._error = ""
        self._mirror: SweepMirror | None = None
        self._monitor: Any = None  # MLflow's monitor carries no types

    def close(self, ending: Ending) -> None:
        """The sweep has ended: called from any thread while another follows."""
        self._status, self._deadline = ending.status, time.monotonic() + ending.timeout_s
        self._closing.set()

    def follow(self) -> SyncReport:
        """Until the sweep has ended and all is sent, or the time for that is over."""
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
        except (ImportError, OSError) as error:  # no MLflow, or no log: the sweep goes on, and is told at its end
            self._error = one_line(error)
        self._closing.wait()  # the report is of the end
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
        """Keeps MLflow's monitor alive: it ends by itself at the first request that fails."""
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
    """Seconds to the next attempt: twice as long after each failure. A store may be away for thousands of attempts,
    and 2 to that power is
    no float."""
    return min(period_s * 2 ** min(failures, 20), MAX_WAIT_S) if failures else period_s


def _obey(driver: TextIO, follower: Follower) -> None:
    line = driver.readline()
    if not line:
        os._exit(1)
    follower.close(Ending(**json.loads(line)))
    if not driver.readline():  # what it says no more is that it waits no longer
        os._exit(1)


def main() -> None:
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's: it says how the sweep ended
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints
    follower = Follower(Followed(**json.loads(sys.stdin.readline())))
    threading.Thread(target=_obey, args=(sys.stdin, follower), daemon=True).start()
    print(json.dumps(asdict(follower.follow())), file=answer, flush=True)
    os._exit(0)  # without waiting for threads of MLflow's: what was to be sent is sent


if __name__ == "__main__":
    main()
