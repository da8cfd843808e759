"""The tracker: starts and ends, for the driver, the process that follows all trial folders and feeds MLflow."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import Timeout

from gibbsweep.folder import SweepFolder
from gibbsweep.track.follower import Ending, Followed
from gibbsweep.track.mirror.report import SyncReport
from gibbsweep.track.mirror.sweep import SweepMirror, one_line, sweep_lock

PERIOD_S = 5.0
"""Seconds between passes. A pass sends what is new of a trial in one request, which takes some 10 ms of a core:
with a pass every 2 s, a trial of 10 s would cost more than one per cent of its time."""
_REPORT_S = 2.0
"""Seconds that the process has to count what is left, after its time for sending is over."""


class Tracker:
    """Follows a sweep while it runs, in a process of its own::

        with Tracker(sweep_dir, tracking_uri=default_tracking_uri(runs), experiment="cd_k") as tracker:
            ...  # the sweep runs
            report = tracker.close("FINISHED")

    A process of its own, because a trial costs MLflow tens of milliseconds, which the driver does not have. Neither
    :meth:`start` nor a dead store blocks or stops the sweep: errors go to ``track.log``, passes are repeated with
    growing pauses, and what could not be sent stays in the trial folders for ``gibbsweep track sync``. The process
    ends with its driver, however that ends.
    """

    def __init__(
        self,
        sweep_dir: Path,
        *,
        tracking_uri: str,
        experiment: str,
        period_s: float = PERIOD_S,
        system_metrics: bool = True,
    ) -> None:
        """Prepares to send ``sweep_dir`` to the experiment of that name, every ``period_s`` seconds; with
        ``system_metrics``, the load of the driver's machine too, as metrics of the sweep's own run."""
        self.sweep_dir = Path(sweep_dir).absolute()
        self._followed = Followed(str(self.sweep_dir), tracking_uri, experiment, period_s, system_metrics)
        self._process: subprocess.Popen[str] | None = None
        self._report: SyncReport | None = None

    def start(self) -> Self:
        """Starts the process and returns at once."""
        log_path = SweepFolder(self.sweep_dir).track_log
        try:
            log_path.touch()
        except OSError:  # the disk may be full, for example: the process meets the same error, and reports it
            log_path = Path(os.devnull)
        with open(log_path, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gibbsweep.track.follower"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._write_line(asdict(self._followed))
        return self

    def close(self, status: str = "FINISHED", timeout_s: float = 60.0) -> SyncReport:
        """Lets the process send what is left and end the runs, the sweep's own with ``status``; gives up after
        ``timeout_s`` and reports what the store lacks.

        The first call decides. Later ones, such as leaving a ``with`` block, return the same report.
        """
        if self._report is None:
            self._report = self._close(status, timeout_s)
        return self._report

    def _close(self, status: str, timeout_s: float) -> SyncReport:
        process = self._process
        if process is None:
            raise RuntimeError("close() was called on a Tracker that was not started: call start() first")
        self._write_line(asdict(Ending(status, timeout_s)))
        error = ""
        try:
            process.wait(timeout_s + _REPORT_S)
        except subprocess.TimeoutExpired:
            error = f"the tracking store did not answer within {timeout_s:g} s"
        finally:
            process.kill()
            answer = process.communicate()[0]
        if answer:
            return SyncReport(**json.loads(answer))
        log = SweepFolder(self.sweep_dir).track_log
        error = error or f"the tracking process ended with code {process.returncode} and no report: see {log}"
        mirror = SweepMirror(
            self.sweep_dir, tracking_uri=self._followed.tracking_uri, experiment=self._followed.experiment
        )
        try:
            with contextlib.suppress(Timeout), sweep_lock(self.sweep_dir):  # a process that has the lock writes it
                mirror.set_ending(status)
        except OSError as failure:
            error += f"; {one_line(failure)}"
        return mirror.report(error)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close("FINISHED")
        else:
            self.close("FAILED" if issubclass(kind, Exception) else "KILLED")

    def _write_line(self, content: dict[str, object]) -> None:
        """Writes ``content`` to the process as a line of JSON."""
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the process has died, which its missing report tells
            self._process.stdin.write(json.dumps(content) + "\n")
            self._process.stdin.flush()
