"""``mlflow models serve`` serves an exported run on this machine, and answers a request."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.patience import ENOUGH_S

import gibbsweep as gs
from gibbsweep.use.export import export

pytestmark = pytest.mark.cluster


@contextmanager
def served(folder: Path, log: Path) -> Iterator[str]:
    """The address of a server of the model in ``folder``, which ends with the context."""
    # Bound, not listening, until the server has ended: nobody else gets the port.
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    port = place.getsockname()[1]
    words = ["-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
    words += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # The folder brings its own gibbsweep_models, and nothing of gibbsweep is needed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # MLflow starts its server by a name, as an activated environment has it.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, *words], stdout=file, stderr=file, cwd=log.parent, start_new_session=True, env=environment
        )
    address = f"http://127.0.0.1:{port}"
    try:
        give_up = time.monotonic() + ENOUGH_S
        while not _answers(f"{address}/ping"):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.3)
        yield address
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        place.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def posted(address: str, body: dict[str, Any]) -> Any:
    """The predictions that the server answers ``body`` with."""
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.loads(reply.read())["predictions"]


def test_a_served_run_draws_the_samples_of_the_run(kinds: Callable[[str], Path], tmp_path: Path) -> None:
    model = gs.load(kinds("conditional"))
    export(model, tmp_path / "c", mlflow="sample")
    with served(tmp_path / "c" / "mlflow_model", tmp_path / "server.log") as address:
        drawn = posted(address, {"dataframe_records": [{"n": 2, "seed": 5, "class": 1}]})
        assert np.array_equal(np.array(drawn, np.float32), model.sample(2, seed=5, classes=1).x.numpy())
        with pytest.raises(urllib.error.HTTPError):
            posted(address, {"dataframe_records": [{"n": 2}]})
        with pytest.raises(urllib.error.HTTPError) as refused:
            posted(address, {"dataframe_records": [{"n": 2, "seed": 5, "class": 3}]})
        assert "got class 3, expected one of 0 to 2" in refused.value.read().decode()


def test_a_served_run_scores_examples(kinds: Callable[[str], Path], tmp_path: Path) -> None:
    model, x = gs.load(kinds("rbm")), torch.rand(3, 1, 8, 8).round()
    export(model, tmp_path / "r", mlflow="score")
    with served(tmp_path / "r" / "mlflow_model", tmp_path / "server.log") as address:
        scores = posted(address, {"inputs": x.tolist()})
        assert np.array_equal(np.array(scores, np.float32), model.score(x).numpy())
        with pytest.raises(urllib.error.HTTPError) as refused:
            posted(address, {"inputs": (255 * x).tolist()})
        assert "of pixels in 0..255 pass (x >= 128).float()" in refused.value.read().decode()
