"""The commit of the code: where git refuses a checkout, the record says unknown and a sentence says why, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import gibbsweep

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
