"""The commit of the code: where git refuses a checkout, the record says unknown and a sentence says why, once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import gibbsweep
from gibbsweep.run.provenance import keep_script, script_record

PROGRAM = "from gibbsweep.run.provenance import git_commit; print(git_commit(), git_commit())"


def _checkout(folder: Path) -> None:
    """A git checkout of the few files that ``git_commit`` needs."""
    source = Path(gibbsweep.__file__).parent / "run" / "provenance.py"
    for name in ("gibbsweep", "gibbsweep/run"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").touch()
    shutil.copy(source, folder / "gibbsweep" / "run")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)


def _commit_of(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(folder)} | environment
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=variables, capture_output=True, text=True, check=True
    )


def test_a_checkout_of_another_user_is_said_once(tmp_path: Path) -> None:
    _checkout(tmp_path)
    # Git's own way to try this without a second user.
    ended = _commit_of(tmp_path, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert ended.stdout.split() == ["unknown", "unknown"]
    assert ended.stderr.count("recorded as unknown") == 1
    assert f"git config --global --add safe.directory {tmp_path}" in ended.stderr


def test_outside_a_checkout_nothing_is_said(tmp_path: Path) -> None:
    _checkout(tmp_path)
    shutil.rmtree(tmp_path / ".git")
    ended = _commit_of(tmp_path)
    assert (ended.stdout.split(), ended.stderr) == (["unknown", "unknown"], "")


def _git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def test_the_record_of_a_script_has_its_repository_s_commit_and_whether_it_differs(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("STUDY = 1\n")
    assert script_record(script) == {"name": "mine.py", "commit": "unknown", "dirty": None}
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "other.py").write_text("")
    _git(tmp_path, "add", "other.py")
    _git(tmp_path, "commit", "--quiet", "-m", "one")
    assert script_record(script)["dirty"] is True  # the commit does not have the script
    _git(tmp_path, "add", "mine.py")
    _git(tmp_path, "commit", "--quiet", "-m", "two")
    record = script_record(script)
    assert len(record["commit"]) == 40 and record["dirty"] is False
    (tmp_path / "other.py").write_text("changed = True\n")
    assert script_record(script) == {**record, "dirty": True}


def test_the_first_copy_of_a_script_stays(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    for text in ("first", "second"):
        script.write_text(text)
        keep_script(script, tmp_path / "run")
    assert (tmp_path / "run" / "script" / "mine.py").read_text() == "first"
    assert json.loads((tmp_path / "run" / "script" / "script.json").read_text()) == script_record(script)
