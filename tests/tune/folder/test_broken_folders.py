"""A folder that cannot be read is no sweep: it spoils no other, and is named where it is the one that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.tiny import STUDY

from gibbsweep.cli import main, run_study


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name, text in {
        "good": json.dumps({"name": "good", "study": "tiny", "options": {}}),
        "cut": '{"name": "cut", "opti',
        "empty": "",
        "list": "[1]",
        "bytes": "\0\0",
        "single": json.dumps({"name": "single"}),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "sweep.json").write_text(text)
    (tmp_path / "folder" / "sweep.json").mkdir(parents=True)
    (tmp_path / "file").write_text("no folder")
    return tmp_path


def refused(words: list[str], capsys: pytest.CaptureFixture[str], *, study: bool = False) -> str:
    with pytest.raises(SystemExit) as stopped:
        if study:
            run_study(STUDY, words)
        else:
            main(words)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error and "Traceback" not in error
    return error


@pytest.mark.parametrize("name", ["nosuch", "single", "file"])
def test_a_mistyped_name_lists_what_can_be_read(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = f"error: there is no sweep {name!r}: {runs} holds good."
    assert refused(["status", name, "--runs", str(runs)], capsys) == expected
    assert refused(["stop", name, "--runs", str(runs)], capsys) == expected
    assert refused(["--resume", name, "--runs", str(runs)], capsys, study=True) == expected


@pytest.mark.parametrize(
    ("name", "why"),
    [("cut", "is not JSON"), ("empty", "is not JSON"), ("list", "holds a list"), ("folder", "Is a directory")],
)
def test_a_broken_sweep_that_is_asked_for_is_named(
    name: str, why: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, study in ((["status", name], False), (["--resume", name], True), (["--from", name], True)):
        error = refused([*words, "--runs", str(runs)], capsys, study=study)
        assert f"the record of sweep {name!r} cannot be read (" in error and why in error
