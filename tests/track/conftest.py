"""A sweep's folder, written the way the sweep and its trials write it."""

from __future__ import annotations

import http.client
import itertools
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from tests.track.postgres import postgres_server

from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.track import default_tracking_uri, migrate
from gibbsweep.track.store import connect

NUMBER = itertools.count(1)
START = 1_700_000_000.0
NAMES = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


class Trial:
    """What a trial's process does to its folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))

    def report(self, step: int, **metrics: float) -> None:
        values = {name: "NaN" if math.isnan(value) else NAMES.get(value, value) for name, value in metrics.items()}
        self.write(json.dumps({"step": step, "time": START + step, "metrics": values}) + "\n")

    def write(self, text: str) -> None:
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(text)

    def image(self, key: str, step: int) -> None:
        path = self.folder / "images" / key / f"{step:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((8, 8), step % 256, dtype=np.uint8)).save(path)

    def sound(self, key: str, step: int) -> bytes:
        content = encode_wav(np.arange(step, step + 80, dtype=np.int16), 8000)
        path = self.folder / "sounds" / key / f"{step:08d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def end(self, outcome: str, step: int, message: str = "", **metrics: float) -> None:
        (self.folder / "checkpoint").mkdir(exist_ok=True)
        (self.folder / "checkpoint" / "state.json").write_text(json.dumps({"step": step}))
        (self.folder / "log.txt").write_text("the end\n")
        content = {"outcome": outcome, "step": step, "message": message, "metrics": metrics}
        (self.folder / "outcome.json").write_text(json.dumps(content))

    @property
    def tracked(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "tracked.json").read_text()))


class Sweep:
    """A sweep's folder, and what a store says about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        content = {
            "name": folder.name,
            "study": "cd_k",
            "question": "How many Gibbs steps does CD need?",
            "data": "digits",
            "budget": {"updates": 100},
            "fingerprint": "f" * 64,
            "git_commit": "c0ffee",
            "created": START,
        }
        (folder / "sweep.json").write_text(json.dumps(content))

    def trial(self, name: str, **params: Any) -> Trial:
        config = {
            "contender": name.partition("-")[0],
            "kind": "search",
            "seed": 0,
            "params": params or {"sampler": {"n_steps": 3, "temperature": 1.0}, "learning_rate": 1e-3},
            "data": {"name": "digits", "fingerprint": "d" * 64, "rows": 1500},
            "git_commit": "c0ffee",
        }
        return Trial(self.folder / "trials" / name, config)

    def runs(self, tracking_uri: str) -> dict[str, Any]:
        """The active runs of the store by name; two of the same name fail the test."""
        client = connect(tracking_uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        found = client.search_runs(experiments, f"tags.`gibbsweep.sweep` = '{self.folder.name}'", max_results=1000)
        names = [run.info.run_name for run in found]
        assert len(names) == len(set(names)), f"a run was created twice: {sorted(names)}"
        return {str(run.info.run_name): run for run in found}

    def artifacts(self, tracking_uri: str, run_id: str, folder: str = "") -> list[str]:
        """The paths of a run's files, those of its folders included."""
        found = []
        for entry in connect(tracking_uri).list_artifacts(run_id, folder):
            found += self.artifacts(tracking_uri, run_id, entry.path) if entry.is_dir else [entry.path]
        return sorted(found)

    def history(self, tracking_uri: str, trial: str, key: str) -> list[tuple[int, int, float]]:
        """(step, time in ms, value) of every point, by step."""
        run_id = self.runs(tracking_uri)[trial].info.run_id
        points = connect(tracking_uri).get_metric_history(run_id, key)
        return sorted((point.step, point.timestamp, point.value) for point in points)


def points(steps: range, value: Callable[[int], float]) -> list[tuple[int, int, float]]:
    """The history of a metric that was reported as ``value(step)``."""
    return [(step, int((START + step) * 1000), value(step)) for step in steps]


class Server:
    """A real tracking server over HTTP, with its own SQLite store."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self._command += ["--backend-store-uri", default_tracking_uri(folder), "--workers", "1"]
        self._command += ["--artifacts-destination", str(folder / "artifacts")]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Starts it if it does not run yet; returns when it answers."""
        if self._process is None:
            with (self.folder / "server.log").open("wb") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                    env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                )
            give_up = time.monotonic() + 120
            while not self._answers():
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                assert time.monotonic() < give_up, "mlflow server did not answer within 120 s"
                time.sleep(0.3)
        return self.uri

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Wire:
    """The line to a server: it can be cut, or lose the answers to requests that the server did carry out."""

    def __init__(self, server: Server) -> None:
        self.cut = False
        self.lose: Callable[[int], bool] = lambda number: False
        self.requests = 0
        wire = self

        class Forward(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if wire.cut:
                    return
                wire.requests += 1
                number = wire.requests
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                onward = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
                onward.close()
                if wire.lose(number):
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() in ("content-type", "content-disposition"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

            def log_message(self, *arguments: object) -> None:
                """Says nothing."""

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.uri = f"http://127.0.0.1:{self._listener.server_port}"
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy: creating the tables takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    migrate(default_tracking_uri(folder))
    return folder / "mlflow.db"


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> str:
    """The URI of a fresh SQLite store in ``tmp_path / "runs"``."""
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "mlflow.db").write_bytes(empty_store.read_bytes())
    return default_tracking_uri(runs)


@pytest.fixture
def new_sweep(tmp_path: Path) -> Sweep:
    """A sweep with a name of its own, for stores that tests share."""
    return Sweep(tmp_path / "runs" / f"shared-{next(NUMBER)}")


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path / "runs" / "cd_k-1")


@pytest.fixture
def expected() -> Callable[[range, Callable[[int], float]], list[tuple[int, int, float]]]:
    return points


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def postgres() -> Iterator[str]:
    with postgres_server() as uri:
        yield uri
