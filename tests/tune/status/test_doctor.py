"""What the doctor finds, by what was seen: each ill alone, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.cli import main
from gibbsweep.tune.resources.machine import Machine, examine
from gibbsweep.tune.status.doctor import SKEW_S, Finding, Seen, findings

GB = 10**9
HEAD = Machine(
    host="head",
    versions={"Python": "3.12.3", "gibbsweep": "0.1.0", "ray": "2.60.0", "code": "abc"},
    cpus=4,
    memory=16 * GB,
    gpus=[],
    time=1000.0,
    free={"/shared/runs": (100 * GB, 200 * GB), "Ray's files": (50 * GB, 200 * GB)},
    sees=True,
    wrote="a",
    listening=[("127.0.0.1", 5000, "python"), ("127.0.0.1", 8265, "python"), ("10.0.0.4", 6379, "gcs_server")],
)
WORKER = replace(HEAD, host="worker", gpus=["NVIDIA L4"], wrote="b", listening=[("::", 40001, "raylet")])
WELL = Seen([HEAD, WORKER], [0.0, 0.2], frozenset({"a", "b"}), "/shared/runs", True, False, "http://127.0.0.1:5000")


def with_worker(**changes: Any) -> Seen:
    return replace(WELL, machines=[HEAD, replace(WORKER, **changes)])


def ills(seen: Seen) -> list[Finding]:
    found = [one for one in findings(seen) if not one.well]
    assert all(one.mend for one in found), "each says what to mend"
    return found


def test_where_all_is_well_every_subject_says_so() -> None:
    assert not ills(WELL)
    subjects = ["versions", "shared folder", "clocks", "free disk", "token", "tracking", "ports"]
    assert [one.subject for one in findings(WELL)] == subjects


@pytest.mark.parametrize(
    ("seen", "subject", "said"),
    [
        (with_worker(versions={**HEAD.versions, "ray": "2.59.0"}), "versions", "ray 2.59.0 on worker"),
        (with_worker(versions={**HEAD.versions, "code": "def"}), "versions", "code def on worker and abc on head"),
        (with_worker(sees=False), "shared folder", "/shared/runs on worker is another folder than on head"),
        (with_worker(wrote="c"), "shared folder", "/shared/runs on worker is another folder"),
        (with_worker(wrote="", problem="Read-only file system"), "shared folder", "on worker (Read-only file system)"),
        (replace(WELL, skews=[0.0, -60.0]), "clocks", "worker is -60 s away"),
        (with_worker(free={"/shared/runs": (GB, 200 * GB)}), "free disk", "only 1GB of 200GB for /shared/runs"),
        (replace(WELL, open_without_token=True), "token", "anyone who reaches the cluster may run programs"),
        (replace(WELL, tracking_problem="nothing answers"), "tracking", "http://127.0.0.1:5000: nothing answers"),
        (with_worker(listening=[("0.0.0.0", 5000, "python")]), "ports", "MLflow at 0.0.0.0:5000 on worker"),
        (with_worker(listening=[("10.0.0.5", 8265, "python")]), "ports", "Ray's dashboard at 10.0.0.5:8265 on worker"),
        (with_worker(public=["8.8.8.8"]), "ports", "worker has the public address 8.8.8.8, where 1 ports answer"),
    ],
)  # fmt: skip
def test_one_ill_is_one_finding(seen: Seen, subject: str, said: str) -> None:
    (ill,) = ills(seen)
    assert ill.subject == subject
    assert said in ill.found


def test_what_is_no_ill() -> None:
    assert not ills(replace(WELL, skews=[0.0, SKEW_S]))
    assert not ills(with_worker(public=["8.8.8.8"], listening=[("10.0.0.5", 40001, "raylet")]))
    assert not ills(with_worker(free={"/shared/runs": (2 * GB, 3 * GB)}))  # a small disk that is mostly free


def test_a_machine_alone_is_not_asked_of_a_cluster() -> None:
    alone = Seen([HEAD], [0.0], frozenset({"a"}), "runs", joined=False)
    assert not ills(alone)
    assert [one.subject for one in findings(alone)] == ["versions", "run folder", "free disk", "ports"]


def test_a_machine_sees_the_sign_and_leaves_a_file(tmp_path: Path) -> None:
    (tmp_path / "sign").touch()
    machine = examine(tmp_path, "sign")
    assert machine.sees and (tmp_path / machine.wrote).is_file()
    assert machine.cpus >= 1 and machine.memory > 10**8 and machine.time > 1e9
    assert {"Python", "ray", "torch", "code"} <= set(machine.versions)
    elsewhere = examine(tmp_path / "none", "sign")
    assert not elsewhere.sees and not elsewhere.wrote and elsewhere.problem == "No such file or directory"


def test_the_program_looks_at_this_machine_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    main(["doctor", "--runs", str(tmp_path)])
    said = capsys.readouterr().out
    assert f"run folder  {tmp_path} can be written" in said
    assert "mend" not in said
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", "--runs", str(tmp_path), "--tracking-uri", "http://127.0.0.1:9"])
    assert stopped.value.code == 1
    said = capsys.readouterr().out
    assert "tracking    http://127.0.0.1:9: nothing answers" in said and "1 to mend" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--runs", "s3://bucket/runs"], "--runs takes a folder"),
        (["--runs", "/proc/none/runs"], "cannot be written"),
        (["--address", "127.0.0.1:9"], "nothing answers at 127.0.0.1:9"),
    ],
)
def test_what_cannot_be_looked_at_is_a_sentence(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # another test of this process may have started one
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", *words])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.rglob(".doctor*"))


@pytest.mark.cluster
def test_a_cluster_of_one_machine_is_looked_at(
    ray_session: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Ray is joined already, and lets nobody in who has no token."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    try:
        main(["doctor", "--address", "auto", "--runs", str(tmp_path)])
    except SystemExit as stopped:
        assert stopped.code == 1
    said = capsys.readouterr().out
    assert f"shared folder  {tmp_path} can be written" in said
    assert "  token  " in said
    assert list(tmp_path.iterdir()) == []
