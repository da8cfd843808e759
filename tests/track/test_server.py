"""A real tracking server over HTTP, and PostgreSQL where it is installed."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.track import Tracker, metric_history, migrate, sync
from gibbsweep.track.store import connect


def test_a_server_that_comes_up_late_gets_everything_once(server: Any, sweep: Any, expected: Any) -> None:
    migrate(server.uri)  # nothing to do: a server owns its tables
    tracker = Tracker(sweep.folder, tracking_uri=server.uri, experiment="cd_k", period_s=0.05).start()
    trial = sweep.trial("rbm-0000")
    for step in range(1, 101):
        trial.report(step, loss=float(step), noise=math.nan, up=math.inf)
    trial.image("samples", 100)
    while "attempt 1 failed" not in (sweep.folder / "track.log").read_text():
        time.sleep(0.05)
    server.start()
    for step in range(101, 201):
        trial.report(step, loss=float(step), noise=math.nan, up=-math.inf)
    trial.end("completed", 200, **{"eval/mmd": 0.5})
    report = tracker.close(timeout_s=60.0)
    assert (report.runs, report.pending, report.error) == (1, 0, "")
    assert sync(sweep.folder, tracking_uri=server.uri).metrics_sent == 0

    assert sweep.history(server.uri, "rbm-0000", "loss") == expected(range(1, 201), float)
    run = sweep.runs(server.uri)["rbm-0000"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["gibbsweep.infinite_metrics"] == "up=+inf@1, up=-inf@101"
    up = metric_history(server.uri, run.info.run_id, "up")
    assert list(up["value"]) == [math.inf] * 100 + [-math.inf] * 100
    assert all(math.isnan(value) for _, _, value in sweep.history(server.uri, "rbm-0000", "noise"))
    assert run.inputs.dataset_inputs[0].dataset.name == "digits"
    client = connect(server.uri)
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {
        "checkpoint",
        "config.json",
        "images",
        "log.txt",
        "outcome.json",
    }
    assert len(client.list_artifacts(run.info.run_id, "images")) == 2
    assert sweep.runs(server.uri)["cd_k-1"].info.status == "FINISHED"


def test_a_server_that_goes_away_and_comes_back(server: Any, sweep: Any, expected: Any) -> None:
    server.start()
    tracker = Tracker(sweep.folder, tracking_uri=server.uri, experiment="cd_k", period_s=0.05, system_metrics=False)
    tracker.start()
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    while not (trial.folder / "tracked.json").exists() or not trial.tracked["offset"]:
        time.sleep(0.05)
    server.stop()
    trial.report(2, loss=2.0)
    report = tracker.close(timeout_s=1.0)
    assert report.error
    assert report.pending == 1
    server.start()
    report = sync(sweep.folder, tracking_uri=server.uri)
    assert (report.pending, report.error) == (0, "")
    assert sweep.history(server.uri, "rbm-0000", "loss") == expected(range(1, 3), float)
    assert sweep.runs(server.uri)["cd_k-1"].info.status == "FINISHED"


def test_a_replay_over_http_adds_nothing(server: Any, sweep: Any) -> None:
    server.start()
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0, noise=math.nan, up=math.inf)
    trial.image("samples", 1)
    trial.end("completed", 1)
    for _ in range(2):
        assert sync(sweep.folder, tracking_uri=server.uri).pending == 0
        for path in sweep.folder.rglob("tracked.json"):
            path.unlink()
    for key in ("loss", "noise", "up"):
        assert len(sweep.history(server.uri, "rbm-0000", key)) == 1
    run_id = sweep.runs(server.uri)["rbm-0000"].info.run_id
    assert len(connect(server.uri).list_artifacts(run_id, "images")) == 2


def postgres_bin() -> Path | None:
    """The folder of a PostgreSQL server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    programs = postgres_bin()
    driver = next((name for name in ("psycopg2", "psycopg") if importlib.util.find_spec(name)), None)
    if programs is None or driver is None:
        pytest.skip(f"needs PostgreSQL (initdb: {programs}) and its Python driver psycopg2 or psycopg ({driver})")
    folder = Path(tmp_path_factory.mktemp("pg"))
    user: dict[str, Any] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = {"user": "postgres"}
        shutil.chown(folder, "postgres")
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
    data, options = folder / "data", f"-k {folder} -c listen_addresses=127.0.0.1 -c port=54329 -c fsync=off"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)

    run("initdb", "-D", str(data), "-A", "trust", "-U", "gibbsweep")
    run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", "54329", "-U", "gibbsweep", "mlflow")
        dialect = "postgresql" if driver == "psycopg2" else "postgresql+psycopg"
        yield f"{dialect}://gibbsweep@127.0.0.1:54329/mlflow"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def test_postgresql(postgres: str, sweep: Any, expected: Any) -> None:
    migrate(postgres)
    trial = sweep.trial("rbm-0000")
    for step in range(1, 11):
        trial.report(step, loss=float(step), noise=math.nan, up=math.inf)
    trial.image("samples", 10)
    trial.end("completed", 10)
    for _ in range(2):
        report = sync(sweep.folder, tracking_uri=postgres)
        assert (report.pending, report.error) == (0, "")
        for path in sweep.folder.rglob("tracked.json"):
            path.unlink()
    assert sweep.history(postgres, "rbm-0000", "loss") == expected(range(1, 11), float)
    assert len(sweep.history(postgres, "rbm-0000", "noise")) == 10
    run = sweep.runs(postgres)["rbm-0000"]
    assert list(metric_history(postgres, run.info.run_id, "up")["value"]) == [math.inf] * 10
    assert (sweep.folder.parent / "mlartifacts").is_dir()
