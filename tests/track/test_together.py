"""Short trials that go to an SQL store together leave there what MLflow's client leaves, to the row."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from mlflow import MlflowClient
from mlflow.store.tracking.dbmodels.models import Base
from tests.track.sweeps import Sweep

from gibbsweep.track import sweep as sweep_of_runs
from gibbsweep.track import sync, tables
from gibbsweep.track.store import sqlite_path

Rows = dict[str, list[dict[str, Any]]]
PASSING = {"creation_time", "last_update_time"}
"""Columns that say when something was written."""


def rows_of(tracking_uri: str, sweep: Sweep) -> Rows:
    """All tables of a store; random ids are replaced by what they are the ids of, and the times of writing left out."""
    engine = sqlalchemy.create_engine(tracking_uri)
    with engine.connect() as connection:
        found: Rows = {
            name: [dict(row) for row in connection.execute(sqlalchemy.select(table)).mappings()]
            for name, table in Base.metadata.tables.items()
        }
    engine.dispose()
    names = {run["run_uuid"]: f"run {run['name']}" for run in found["runs"]}
    names |= {data["dataset_uuid"]: f"data {data['name']}" for data in found["datasets"]}
    names |= {one["input_uuid"]: f"input of {names[one['destination_id']]}" for one in found["inputs"]}
    for run in found["runs"]:
        if run["name"] == sweep.folder.name:
            run["end_time"] = None
    for rows in found.values():
        for row in rows:
            for column, value in list(row.items()):
                for identity, name in names.items():
                    if isinstance(value, str):
                        row[column] = value = value.replace(identity, name)
                if column in PASSING:
                    del row[column]
        rows.sort(key=repr)
    return {name: rows for name, rows in found.items() if rows}


def files_of(tracking_uri: str, sweep: Sweep) -> dict[str, dict[str, bytes]]:
    found = {}
    for name, run in sweep.runs(tracking_uri).items():
        root = Path(run.info.artifact_uri.removeprefix("file://"))
        found[name] = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    return found


def fill(sweep: Sweep) -> None:
    """Trials of every kind that is short, each with something that a store has a rule for."""
    plain = sweep.trial("rbm-0000")
    plain.report(1, loss=0.5, **{"val/k=3": 2.0})
    plain.end("completed", 1, loss=0.5, **{"test/mmd": 0.25})
    odd = sweep.trial("rbm-0001", **{f"p{i}": "x" * 7000 if i == 3 else i for i in range(250)}, word="é")
    odd.report(2, noise=math.nan, up=math.inf, down=-math.inf, zero=0.0)
    odd.report(
        2, noise=0.0, up=1.0, down=-math.inf, zero=-0.0
    )  # the same step and time: another point of the same names
    odd.report(2, noise=math.nan, up=math.inf, down=7.0, zero=0.0)  # and the first ones again
    odd.report(1, noise=3.0, up=2.0, down=1.0, zero=1.0)  # an earlier step comes later
    odd.report(2, noise=-1.0)
    odd.end("diverged", 3, message="loss is inf " * 1000, loss=math.nan, up=5.0)
    many = sweep.trial("rbm-0002")
    many.report(1, **{f"m{i}": float(i) for i in range(1500)})
    many.report(2, **{f"m{i}": float(-i) for i in range(1500)})
    many.end("pruned", 2)
    bare = sweep.trial("vae-0000")
    (bare.folder / "config.json").write_text('{"contender": "vae", "params": {}}')
    bare.end("failed", 0, message="ValueError")
    (bare.folder / "log.txt").unlink()
    told = sweep.trial("vae-0001")
    config = json.loads((told.folder / "config.json").read_text())
    config["data"] |= {"source": "https://example.org/digits", "rows": 7, "fingerprint": "e" * 50}
    (told.folder / "config.json").write_text(json.dumps(config))
    told.report(1, loss=1.0)
    told.end("completed", 1, loss=2.0)
    outcome = json.loads((told.folder / "outcome.json").read_text())
    outcome |= {"restarts": [{"step": 7, "message": "loss is nan"}], "repackings": [{"step": 5, "memory": "gpu"}]}
    (told.folder / "outcome.json").write_text(json.dumps(outcome))
    taken = {"step": 5, "donor": "rbm-0007", "changed": {"learning_rate": [0.01, 0.012]}, "done": True}
    (told.folder / "takeovers.json").write_text(json.dumps([taken]))


@pytest.fixture
def created(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that MLflow's client is asked to create."""
    names: list[str] = []
    create = MlflowClient.create_run

    def counting(self: MlflowClient, *words: Any, run_name: str, **named: Any) -> Any:
        names.append(run_name)
        return create(self, *words, run_name=run_name, **named)

    monkeypatch.setattr(MlflowClient, "create_run", counting)
    return names


def second(store: str) -> str:
    """Another empty SQLite store, beside the first: its artifacts have the same place."""
    path = sqlite_path(store)
    assert path is not None
    (path.parent / "other.db").write_bytes(path.read_bytes())
    return store.replace("mlflow.db", "other.db")


def by_the_client(monkeypatch: pytest.MonkeyPatch, sweep: Sweep, tracking_uri: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tables, "are_known", lambda: False)
        report = sync(sweep.folder, tracking_uri=tracking_uri)
    assert (report.pending, report.error) == (0, "")


def check_identity(monkeypatch: pytest.MonkeyPatch, sweep: Sweep, stores: tuple[str, str], created: list[str]) -> None:
    fill(sweep)
    report = sync(sweep.folder, tracking_uri=stores[0])
    assert (report.runs, report.pending, report.error) == (5, 0, "")
    assert created == [sweep.folder.name]
    by_the_client(monkeypatch, sweep, stores[1])
    assert len(created) == 7
    together, alone = (rows_of(store, sweep) for store in stores)
    assert together.keys() == alone.keys() >= tables.COLUMNS.keys()
    for table, rows in alone.items():
        assert together[table] == rows, table
    assert files_of(stores[0], sweep) == files_of(stores[1], sweep)
    again = sync(sweep.folder, tracking_uri=stores[1])
    assert (again.metrics_sent, again.artifacts_sent, again.error) == (0, 0, "")


def test_the_same_rows_in_sqlite(store: str, sweep: Any, created: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    check_identity(monkeypatch, sweep, (store, second(store)), created)


def test_the_same_rows_in_postgresql(
    postgres: str, sweep: Any, created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sqlalchemy.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE DATABASE other"))
    engine.dispose()
    check_identity(monkeypatch, sweep, (postgres, postgres.rpartition("/")[0] + "/other"), created)


KILLED = """
import os, signal, sys
from pathlib import Path
import mlflow.store.artifact.artifact_repository_registry as registry
from gibbsweep.track import sync, tables, tracked
def die(*words, **named):
    os.kill(os.getpid(), signal.SIGKILL)
where, table, asked = sys.argv[3], tables._table, []
def dying_table(name):
    asked.append(name)
    return die() if asked.count("latest_metrics") == 2 else table(name)  # the first asks for its columns
places = {"transaction": (tables, "_table"), "files": (registry, "get_artifact_repository"), "end": (tables, "end_runs")}
module, name = places.get(where, (tracked.TrackedTrial, "save"))
setattr(module, name, dying_table if where == "transaction" else die)
sync(Path(sys.argv[1]), tracking_uri=sys.argv[2])
"""


@pytest.mark.parametrize("where", ["transaction", "files", "end", "memory"])
def test_killed_on_the_way(store: str, sweep: Any, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """In the transaction, before the files, before the end is written, before it is remembered: sent again, nothing is there twice."""
    fill(sweep)
    command = [sys.executable, "-c", KILLED, str(sweep.folder), store, where]
    done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    other = second(store)  # as it was left
    engine = sqlalchemy.create_engine(store)
    with engine.connect() as connection:
        runs = list(connection.execute(sqlalchemy.text("SELECT name, status FROM runs")))
    engine.dispose()
    ended = {"rbm-0000": "FINISHED", "vae-0000": "FAILED"}
    there = {} if where == "transaction" else {name: ended[name] if where == "memory" else "RUNNING" for name in ended}
    assert {name: status for name, status in runs if name in ended} == there
    assert len(runs) == (1 if where == "transaction" else 6)
    for uri in (store, other):
        report = sync(sweep.folder, tracking_uri=uri)
        assert (report.pending, report.error) == (0, "")
    fresh = store.replace("mlflow.db", "fresh.db")
    by_the_client(monkeypatch, sweep, fresh)
    for uri in (store, other):
        assert rows_of(uri, sweep) == rows_of(fresh, sweep)


def test_a_trial_that_mlflow_refuses_keeps_no_other_out(store: str, sweep: Any, created: list[str]) -> None:
    fill(sweep)
    refused = sweep.trial("rbm-0003")
    refused.write('{"step": 1, "time": -9.0, "metrics": {"loss": 1.0}}\n')
    refused.end("completed", 1)
    report = sync(sweep.folder, tracking_uri=store)
    assert report.error.startswith("rbm-0003: ") and "nonnegative" in report.error
    assert (report.runs, report.pending) == (6, 2)  # its report and its outcome
    assert sorted(created) == sorted([sweep.folder.name, *(path.name for path in sweep.folder.glob("trials/*"))])
    states = {name: run.info.status for name, run in sweep.runs(store).items()}
    assert [name for name, status in states.items() if status == "RUNNING"] == ["rbm-0003"]


def test_a_table_with_other_columns_is_left_to_the_client(
    store: str, sweep: Any, created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sweep)
    assert tables.are_known()
    monkeypatch.setitem(tables.COLUMNS, "params", ("run_uuid", "key"))
    assert sync(sweep.folder, tracking_uri=store).error == ""
    assert len(created) == 6


def test_trials_that_have_ended_are_looked_at_in_turn_and_at_the_end_all(
    store: str, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_of_runs, "SETTLED", 2)
    fill(sweep)
    mirror = sweep_of_runs.SweepMirror(sweep.folder, tracking_uri=store)
    assert mirror.send() == ""
    going = sweep.trial("vae-0002")
    for _ in range(3):
        names = []
        for _ in range(3):  # five have ended, two a pass
            going.report(1, loss=1.0)
            looked = [trial.folder.name for trial in mirror._due("")]
            assert looked[0] == "vae-0002" and len(looked) <= 3
            names += looked[1:]
        assert sorted(names) == [path.name for path in sorted(sweep.folder.glob("trials/*"))][:5]
    assert len(mirror._due("FINISHED")) == 6
    (sweep.folder / "trials" / "rbm-0002" / "outcome.json").unlink()
    for _ in range(3):
        assert mirror.send() == ""
    assert sweep.runs(store)["rbm-0002"].info.status == "RUNNING"
