"""A folder that several machines share: what one wrote another sees late, and no two write one temporary file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, whole
from gibbsweep.folder.layout import check_is_local, default_runs
from gibbsweep.folder.outcome import AGAIN_S
from gibbsweep.folder.whole import is_listed, write_json


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names whose absence this machine remembers: a look at them fails, and their folder's list has them."""
    names: set[str] = set()
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path, **more: path.name not in names and exists(path, **more))
    return names


def test_a_file_that_is_remembered_as_absent_is_in_the_list_of_its_folder(tmp_path: Path, remembered: set[str]) -> None:
    remembered.add("outcome.json")
    assert Outcome.read(tmp_path) is None
    Outcome("completed", 40).write(tmp_path)
    assert not (tmp_path / "outcome.json").exists() and is_listed(tmp_path / "outcome.json")
    assert Outcome.read(tmp_path) == Outcome("completed", 40)
    assert not is_listed(tmp_path / "none" / "outcome.json")


def test_an_outcome_that_cannot_be_opened_yet_is_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a client that remembers the name itself: listed, and not to be opened."""
    Outcome("completed", 40).write(tmp_path)
    left, read_text = [3], Path.read_text

    def late(path: Path, *words: object, **more: object) -> str:
        if path.name == "outcome.json" and left[0]:
            left[0] -= 1
            raise FileNotFoundError(path)
        return read_text(path, *words, **more)  # type: ignore[arg-type]

    slept: list[float] = []
    monkeypatch.setattr(Path, "read_text", late)
    monkeypatch.setattr("gibbsweep.folder.outcome.time.sleep", slept.append)
    assert Outcome.awaited(tmp_path, wait_s=0.0) is None
    assert Outcome.awaited(tmp_path, wait_s=3600.0) == Outcome("completed", 40)
    assert slept == [AGAIN_S] * 2


def test_an_outcome_on_record_is_never_replaced_by_a_failure(tmp_path: Path) -> None:
    completed, failed = Outcome("completed", 40, {"x": 1.0}), Outcome("failed", 3, message="lost")
    assert completed.write_first(tmp_path) == completed
    before = (tmp_path / "outcome.json").read_bytes()
    assert failed.write_first(tmp_path) == completed
    assert (tmp_path / "outcome.json").read_bytes() == before
    assert failed.write_first(tmp_path / "other") == failed
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["outcome.json"]


def test_an_outcome_that_is_there_and_stays_unreadable_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outcome("completed", 40).write(tmp_path)
    monkeypatch.setattr(Outcome, "read", lambda *_, **__: None)
    with pytest.raises(UserError, match=r"outcome\.json is there and cannot be read"):
        Outcome("failed", 1).write_first(tmp_path)


def test_two_machines_with_one_process_id_write_two_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers have the ids of one another's processes."""
    monkeypatch.setattr(os, "getpid", lambda: 57)
    names = {whole._temporary(tmp_path / "a.json", "tmp").name for _ in range(1000)}
    assert len(names) == 1000
    write_json(tmp_path / "a.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("folder", ["s3://bucket/runs", "gs://bucket", "file:///shared/runs", "hdfs://host:9000/runs"])
def test_an_address_is_no_folder(folder: str) -> None:
    with pytest.raises(UserError, match="--runs takes a folder, and .* mount it on every machine"):
        check_is_local(Path(folder), "--runs")


@pytest.mark.parametrize("folder", ["runs", "/shared/runs", "a:b/runs", "./s3:/x", "C:runs"])
def test_a_folder_is_one(folder: str) -> None:
    check_is_local(Path(folder) if not folder.startswith("./") else Path.cwd() / folder, "--runs")


def test_the_cluster_names_the_folder_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIBBSWEEP_RUNS", raising=False)
    assert default_runs() == Path("runs")
    monkeypatch.setenv("GIBBSWEEP_RUNS", "/shared/runs")
    assert default_runs() == Path("/shared/runs")
