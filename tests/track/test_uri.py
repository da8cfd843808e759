"""URIs of tracking stores: any folder's path, what can never be a store, and passwords that nothing shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.entities import RunInfo
from tests.track.sweeps import Sweep

from gibbsweep.cli import main
from gibbsweep.errors import UserError
from gibbsweep.track import check_tracking_uri, default_tracking_uri, redact, sweep_runs, sync
from gibbsweep.track.stores.store import connect
from gibbsweep.track.stores.uri import sqlite_path


@pytest.mark.parametrize("name", ["runs", "q?x", "a b", "50%", "q%3Fx", "a#b", "me@home:1"])
def test_any_folder_has_a_uri(name: str, tmp_path: Path) -> None:
    uri = default_tracking_uri(tmp_path / name)
    assert sqlite_path(uri) == tmp_path / name / "mlflow.db"


@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("sqlite://x.db", "sqlite:///x.db"),
        ("sqlite://", "three slashes"),
        ("sqlite:///:memory:", "names no file"),
        ("/srv/mlruns", "sqlite:////srv/mlruns/mlflow.db"),
        ("file:///srv/mlruns", "sqlite:////srv/mlruns/mlflow.db"),
        ("mlruns", "is a folder"),
        ("htp://127.0.0.1:5000", "unknown scheme htp://"),
        ("sqlite+nosuch:///x.db", "unknown scheme sqlite"),
        ("postgres://u:secret@127.0.0.1/db", "postgresql://"),
        ("postgresql:///db", "names no host"),
        ("http://:5000", "names no host"),
        ("http://127.0.0.1:port", "names no host and port"),
        ("databricks", "Databricks"),
        ("databricks://profile", "Databricks"),
    ],
)
def test_what_can_never_be_a_store_is_refused(
    uri: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError) as refused:
        check_tracking_uri(uri)
    assert advice in str(refused.value)
    assert "secret" not in str(refused.value)
    (tmp_path / "cd_k-1" / "trials").mkdir(parents=True)
    with pytest.raises(SystemExit) as ended:
        main(["track", "sync", str(tmp_path / "cd_k-1"), "--tracking-uri", uri])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert advice in told
    assert "try again" not in told


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://u:p@host/mlflow",
        "sqlite:///x.db",
        "sqlite:////a/b.db",
        "sqlite:///a.db?timeout=9",
    ],
)
def test_what_can_be_a_store_is_taken(uri: str) -> None:
    check_tracking_uri(uri)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:secret@h:5000/x", "http://u:***@h:5000/x"),
        ("postgresql://u:se@cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:se/cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg2://:secret@h/db", "postgresql+psycopg2://:***@h/db"),
        ("postgresql://h/db?user=u&password=secret&x=1", "postgresql://h/db?user=u&password=***&x=1"),
        ("error at 'http://u:secret@h' and http://v:secret@h", "error at 'http://u:***@h' and http://v:***@h"),
        ("http://127.0.0.1:5000/a", "http://127.0.0.1:5000/a"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


def _tracked_sweep(runs: Path, name: str, empty_store: Path, key: str = "samples") -> Sweep:
    """A sweep of one trial with a picture, in the store of its folder."""
    runs.mkdir(parents=True, exist_ok=True)
    database = runs / "mlflow.db"
    if not database.exists():
        database.write_bytes(empty_store.read_bytes())
    sweep = Sweep(runs / name)
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    trial.image(key, 1)
    trial.end("completed", 1)
    report = sync(sweep.folder, tracking_uri=default_tracking_uri(runs))
    assert (report.error, report.pending, report.images_sent) == ("", 0, 1)
    return sweep


def _pictures(uri: str, sweep: str) -> list[Path]:
    client = connect(uri)
    (run_id,) = sweep_runs(uri, sweep)["run_id"]
    names = [artifact.path for artifact in client.list_artifacts(run_id, "images")]
    return [Path(client.download_artifacts(run_id, name)) for name in names]


def test_a_folder_of_any_name_keeps_its_store_and_pictures(tmp_path: Path, empty_store: Path) -> None:
    runs = tmp_path / "q?x%41 #"
    _tracked_sweep(runs, "cd_k-1", empty_store)
    assert [path.name for path in tmp_path.iterdir()] == [runs.name], "neither a file q beside it nor a folder q%3Fx"
    assert _pictures(default_tracking_uri(runs), "cd_k-1")


def test_a_moved_folder_keeps_its_pictures(tmp_path: Path, empty_store: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    _tracked_sweep(old, "cd_k-1", empty_store)
    shutil.move(old, new)
    _tracked_sweep(new, "cd_k-2", empty_store)
    assert not old.exists()
    uri = default_tracking_uri(new)
    for name in ("cd_k-1", "cd_k-2"):
        assert _pictures(uri, name)
        (run,) = _run_infos(uri, name)
        assert run.artifact_uri.startswith(f"{new.as_uri()}/")


def test_a_name_with_both_kinds_of_quotes_is_tracked(tmp_path: Path, empty_store: Path) -> None:
    name = 'it\'s "a" $x'
    sweep = _tracked_sweep(tmp_path / "runs", name, empty_store)
    assert sync(sweep.folder, tracking_uri=default_tracking_uri(tmp_path / "runs")).metrics_sent == 0
    assert len(sweep_runs(default_tracking_uri(tmp_path / "runs"), name)) == 1


def test_a_deleted_experiment_can_be_restored_as_the_sentence_says(tmp_path: Path, empty_store: Path) -> None:
    runs = tmp_path / "runs"
    sweep = _tracked_sweep(runs, "cd_k-1", empty_store)
    uri = default_tracking_uri(runs)
    (experiment,) = {run.experiment_id for run in _run_infos(uri, "cd_k-1")}
    connect(uri).delete_experiment(experiment)
    report = sync(sweep.folder, tracking_uri=uri)
    command = report.error.split("`")[1]
    assert not report.unreachable
    subprocess.run(command.replace(" mlflow ", f" {sys.executable} -m mlflow "), shell=True, check=True)
    assert sync(sweep.folder, tracking_uri=uri).error == ""


def _run_infos(uri: str, sweep: str) -> list[RunInfo]:
    client = connect(uri)
    return [client.get_run(run_id).info for run_id in sweep_runs(uri, sweep)["run_id"]]


def test_a_dead_server_is_tried_again_and_its_password_hidden(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = Sweep(tmp_path / "runs" / "cd_k-1")
    sweep.trial("rbm-0000").report(1, loss=1.0)
    for uri in ("http://u:secret@127.0.0.1:1", "postgresql://u:secret@127.0.0.1:1/db"):
        with pytest.raises(SystemExit):
            main(["track", "sync", str(sweep.folder), "--tracking-uri", uri])
        told = capsys.readouterr().err
        assert "try again when it is up" in told
        assert "secret" not in told
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
