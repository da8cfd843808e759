"""MLflow's pages for a folder of runs: its server as a process on this machine, and the address of a sweep in them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from gibbsweep.errors import UserError
from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import SWEEP
from gibbsweep.track.mirror.tracked import TrackedSweep
from gibbsweep.track.stores.moved import ARTIFACTS, follow_move_if_any
from gibbsweep.track.stores.uri import redact, sqlite_path

USUAL_PORT = 5000
"""The port of MLflow's server where nobody asks for another and it is free."""
START_S = 180.0
"""Seconds that the server gets until it answers: a busy machine imports MLflow slowly."""
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # jobs of language models, with processes of their own
}
"""The environment in which MLflow's server sends no usage statistics and prints no news."""


def free_port(wanted: int | None, usual: int = USUAL_PORT) -> int:
    """The port of 127.0.0.1 to serve on: the ``wanted`` one, else the ``usual`` one if it is free, else any free one.
    Raises UserError where the wanted one is taken or is no port."""
    if wanted is not None and not 0 < wanted < 65_536:
        raise UserError(f"a port is a number from 1 to 65535: got {wanted}.")
    for port in (wanted,) if wanted is not None else (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if wanted is not None:
                    raise UserError(
                        f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): name another one, or none."
                    ) from error
                continue
            return int(probe.getsockname()[1])
    raise UserError("no port of 127.0.0.1 is free: end a program that holds some.")


class UiServer:
    """MLflow's server on 127.0.0.1, as a process that ends with the context::

        with UiServer(Path("runs"), "sqlite:///runs/mlflow.db", free_port(None)) as server:
            print(server.address)
            server.wait()

    Raises UserError where the server does not start.
    """

    def __init__(self, runs: Path, tracking_uri: str, port: int) -> None:
        self.runs, self.tracking_uri, self.port = runs.absolute(), tracking_uri, port
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  open for the life of the server

    @property
    def address(self) -> str:
        """The address of its first page."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        database = sqlite_path(self.tracking_uri)
        if database is not None:
            follow_move_if_any(database)
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port),
                "--workers", "1", "--allowed-hosts", "127.0.0.1:*,localhost:*",
                "--backend-store-uri", self.tracking_uri, "--default-artifact-root", str(self.runs / ARTIFACTS),
            ],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env={**os.environ, **QUIET},
            start_new_session=True,  # so that its own processes end with it
        )  # fmt: skip
        try:
            self._wait_for_answer()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self) -> None:
        """Return when the server has ended by itself. Raises UserError with what it said last."""
        assert self._process is not None
        code = self._process.wait()
        raise UserError(f"MLflow's server ended with code {code} ({self._last_line()}): start it again.")

    def close(self) -> None:
        """End the server and its processes."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue
        process.wait()

    def _wait_for_answer(self) -> None:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise UserError(
                    f"MLflow's server did not start with {redact(self.tracking_uri)} ({self._last_line()}): mend that, "
                    "and try again."
                )
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise UserError(f"MLflow's server did not answer within {START_S:.0f} s: is the machine very busy? try again.")

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return redact(lines[-1])[:300] if lines else "without a word"


def sweep_page(address: str, run_id: str) -> str:
    """The page of the server at ``address`` that has the sweep's runs in a table, in the view for model training.
    ``run_id`` is that of the sweep's own run; without one it is the page of all experiments."""
    experiment, sweep = _experiment_and_sweep(address, run_id) if run_id else ("", "")
    if not experiment:
        return f"{address}/#/experiments?workflowType=machine_learning"
    quotes = "'" if "'" not in sweep else '"'
    condition = quote(f"tags.`gibbsweep.sweep` = {quotes}{sweep}{quotes}")
    return f"{address}/#/experiments/{experiment}/runs?workflowType=machine_learning&searchFilter={condition}"


def run_page(address: str, run_id: str) -> str:
    """The address of the page of one run; "" where the server does not know it."""
    experiment, _ = _experiment_and_sweep(address, run_id) if run_id else ("", "")
    return f"{address}/#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning" if experiment else ""


def latest_first(runs: Path) -> list[SweepFolder]:
    """The sweeps in ``runs``, the one that was begun last first."""
    folders = [SweepFolder(path.parent) for path in runs.glob(f"*/{SWEEP}")]
    return sorted(folders, key=lambda folder: folder.record_path.stat().st_mtime, reverse=True)


def first_tracked(folders: Sequence[SweepFolder], tracking_uri: str) -> tuple[str, str]:
    """The name of the first of ``folders`` that has a run in the store, and the id of that run; "" and "" where none
    has."""
    for folder in folders:
        run_id = TrackedSweep.load(folder.path, redact(tracking_uri)).run_id
        if run_id:
            return folder.name, run_id
    return "", ""


def _experiment_and_sweep(address: str, run_id: str) -> tuple[str, str]:
    try:
        url = f"{address}/api/2.0/mlflow/runs/get?run_id={quote(run_id)}"
        with urllib.request.urlopen(url, timeout=120) as answer:
            run = json.load(answer)["run"]
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return "", ""
    tags = {tag["key"]: tag["value"] for tag in run.get("data", {}).get("tags", [])}
    return str(run["info"]["experiment_id"]), str(tags.get("gibbsweep.sweep", ""))
