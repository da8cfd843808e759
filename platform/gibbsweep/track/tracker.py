"""The tracker: the driver's end of the process that follows all trial folders and feeds MLflow."""

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
from gibbsweep.track.report import SyncReport
from gibbsweep.track.sweep import SweepMirror, one_line, sweep_lock

PERIOD_S = 5.0
"""Seconds between passes. A pass sends all that is new of a trial in one request, which takes some 10 ms of a core:
passes every 2 s
would cost a trial of 10 s more than one per cent of its time."""
_REPORT_S = 2.0  # to read from its files what is left


class Tracker:
    """Follows a sweep while it runs, in a process of its own: a trial costs MLflow tens of milliseconds, which would
    be the driver's.

    Neither :meth:`start` nor a dead store ever blocks or stops the sweep: errors go to ``track.log`` and are retried
    with growing pauses; what could not be sent stays in the trial folders for ``gibbsweep track sync``. The process
    ends with its
    driver, however that ends. ``period_s``: seconds between passes. ``system_metrics``: the driver machine's load, on
    the sweep's own
    run.
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
        self.sweep_dir = Path(sweep_dir).absolute()
        self._followed = Followed(str(self.sweep_dir), tracking_uri, experiment, period_s, system_metrics)
        self._process: subprocess.Popen[str] | None = None
        self._report: SyncReport | None = None

    def start(self) -> Self:
        """Starts the process and returns at once."""
        errors = SweepFolder(self.sweep_dir).track_log
        try:
            errors.touch()
        except OSError:  # a full disk, say: the process finds that out for itself, and reports it
            errors = Path(os.devnull)
        with open(errors, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gibbsweep.track.follower"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._say(asdict(self._followed))
        return self

    def close(self, status: str = "FINISHED", timeout_s: float = 60.0) -> SyncReport:
        """Sends what is left and ends the runs; gives up after ``timeout_s`` and reports what the store lacks.

        The first call decides; later ones (leaving a ``with`` block is one) only report.
        """
        if self._report is None:
            self._report = self._close(status, timeout_s)
        return self._report

    def _close(self, status: str, timeout_s: float) -> SyncReport:
        process = self._process
        if process is None:
            raise RuntimeError("close() was called on a Tracker that was not started: call start() first")
        self._say(asdict(Ending(status, timeout_s)))
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
            with contextlib.suppress(Timeout), sweep_lock(self.sweep_dir):  # whoever else tracks it says how it ends
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

    def _say(self, content: dict[str, object]) -> None:
        assert self._process is not None and self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: its missing report says so
            self._process.stdin.write(json.dumps(content) + "\n")
            self._process.stdin.flush()
