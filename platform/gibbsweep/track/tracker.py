"""The tracker: a thread of the sweep's driver that follows all trial folders and feeds MLflow."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from filelock import Timeout

from gibbsweep.track.chatter import log_to
from gibbsweep.track.report import SyncReport, pending, tracked_runs
from gibbsweep.track.sweep import SweepMirror, one_line, sweep_lock

if TYPE_CHECKING:
    from logging import Logger

MAX_WAIT_S = 30.0


class Tracker:
    """Follows a sweep while it runs.

    Neither :meth:`start` nor a dead store ever blocks or stops the sweep: errors go to ``track.log`` and are retried
    with growing pauses; what could not be sent stays in the trial folders for ``gibbsweep track sync``.
    ``period_s``: seconds between passes. ``system_metrics``: the driver machine's load, on the sweep's own run.
    """

    def __init__(
        self,
        sweep_dir: Path,
        *,
        tracking_uri: str,
        experiment: str,
        period_s: float = 2.0,
        system_metrics: bool = True,
    ) -> None:
        self.sweep_dir = Path(sweep_dir).absolute()
        self.tracking_uri = tracking_uri
        self.experiment = experiment
        self.period_s = period_s
        self.system_metrics = system_metrics
        self._thread = threading.Thread(target=self._follow, name="gibbsweep-tracker", daemon=True)
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._status = ""
        self._error = ""
        self._mirror: SweepMirror | None = None
        self._monitor: Any = None  # MLflow's monitor carries no types

    def start(self) -> Self:
        """Starts the thread and returns at once."""
        self._thread.start()
        return self

    def close(self, status: str = "FINISHED", timeout_s: float = 60.0) -> SyncReport:
        """Sends what is left and ends the runs; gives up after ``timeout_s`` and reports what the store lacks.

        The first call decides; later ones (leaving a ``with`` block is one) only report.
        """
        if self._closing.is_set():
            return self._report()
        self._status, self._deadline = status, time.monotonic() + timeout_s
        self._closing.set()
        if self._thread.ident is None:
            raise RuntimeError("close() was called on a Tracker that was not started: call start() first")
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._error = self._error or f"the tracking store did not answer within {timeout_s:g} s"
            if self._mirror is not None:
                self._mirror.set_ending(status)
        return self._report()

    def _report(self) -> SyncReport:
        if self._mirror is not None:
            return self._mirror.report(self._error)
        runs, left = tracked_runs(self.sweep_dir, self.tracking_uri), pending(self.sweep_dir, self.tracking_uri)
        return SyncReport(runs, 0, 0, 0, left, self._error)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close("FINISHED")
        else:
            self.close("FAILED" if issubclass(kind, Exception) else "KILLED")

    def _follow(self) -> None:
        # MLflow's import and first migration take seconds of a core, which the first trials need to start on.
        while not any(self.sweep_dir.glob("trials/*/metrics.jsonl")) and not self._closing.wait(self.period_s / 10):
            pass
        try:
            with log_to(self.sweep_dir / "track.log") as log:
                try:
                    self._wait_for_lock_and_follow(log)
                except Exception as error:
                    log.exception("tracking ended")
                    self._error = one_line(error)
        except (ImportError, OSError) as error:  # no MLflow, or no log: the sweep goes on, close() reports it
            self._error = one_line(error)

    def _wait_for_lock_and_follow(self, log: Logger) -> None:
        while True:
            try:
                with sweep_lock(self.sweep_dir):
                    self._follow_locked(log)
                return
            except Timeout:
                self._error = f"{self.sweep_dir} is being tracked by another process"
                log.warning(self._error)
            if self._closing.wait(self.period_s):
                return

    def _follow_locked(self, log: Logger) -> None:
        mirror = SweepMirror(self.sweep_dir, tracking_uri=self.tracking_uri, experiment=self.experiment)
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
            if closing and time.monotonic() + self.period_s > self._deadline:
                return
            pause = pause_after(failures, self.period_s)
            if closing:
                time.sleep(min(self.period_s, 1.0))
            else:
                self._closing.wait(pause)

    def _watch_system(self, run_id: str) -> None:
        """Keeps MLflow's monitor alive: it ends by itself at the first request that fails."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        if not self.system_metrics:
            return
        thread = self._monitor._process if self._monitor is not None else None
        if thread is None or not thread.is_alive():
            untyped: Any = SystemMetricsMonitor
            self._monitor = untyped(run_id, resume_logging=True, tracking_uri=self.tracking_uri)
            self._monitor.start()

    def _stop_monitor(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.finish()


def pause_after(failures: int, period_s: float) -> float:
    """Seconds to the next attempt: twice as long after each failure. A store may be away for thousands of attempts, and 2 to that power is
    no float."""
    return min(period_s * 2 ** min(failures, 20), MAX_WAIT_S) if failures else period_s
