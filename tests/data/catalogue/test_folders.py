"""Folders of data sets and of decoded copies: ``~``, users without a home, folders that may not be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.data.hub import pictures, pixels, put

from gibbsweep.data import catalogue_rows, load, write_dataset
from gibbsweep.data.catalogue.folders import cache_root, data_root
from gibbsweep.errors import UserError


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell expands no ``~`` after ``=``, as in ``--data-root=~/sets``."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert data_root("~/sets") == data_root(Path("~/sets")) == tmp_path / "home" / "sets"
    monkeypatch.setenv("GIBBSWEEP_DATA", "~/other")
    monkeypatch.setenv("GIBBSWEEP_CACHE", "~/copies")
    assert data_root() == tmp_path / "home" / "other" and cache_root() == tmp_path / "home" / "copies"
    put(tmp_path / "home" / "sets" / "mine" / "train.parquet", {"image": pictures(3)})
    assert len(load("mine", root="~/sets", validation=0.0).train) == 3
    write_dataset("new", [pixels(i, 4, 4) for i in range(3)], root="~/sets")
    assert (tmp_path / "home" / "sets" / "new" / "train.parquet").exists() and not (tmp_path / "~").exists()


@pytest.mark.parametrize("variable", ["GIBBSWEEP_DATA", "GIBBSWEEP_CACHE"])
def test_a_home_that_does_not_exist(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "~nobody_of_this_name/x")
    with pytest.raises(UserError, match=f"{variable} is ~nobody_of_this_name/x, and there is no such home folder"):
        load("digits")


AS_ANOTHER_USER = """
import os, sys
from gibbsweep.data import load
from gibbsweep.errors import UserError
os.setuid(54321)
for case in sys.argv[1:]:
    for name in ("HOME", "GIBBSWEEP_DATA", "GIBBSWEEP_CACHE"):
        os.environ.pop(name, None)
    data, *settings = case.split()
    os.environ.update(setting.split("=") for setting in settings)
    try:
        load(data)
    except UserError as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is taken on, which only root may")
def test_a_user_without_a_home_or_rights(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    put(closed / "mine" / "train.parquet", {"image": pictures(3)})
    closed.chmod(0o700)
    cases = {
        "digits": "this user has no home folder (HOME is not set and the user has no name): set GIBBSWEEP_DATA to",
        "digits GIBBSWEEP_DATA=/none": "this user has no home folder (HOME is not set and the user has no name): set "
        "GIBBSWEEP_CACHE to",
        f"mine GIBBSWEEP_DATA={closed}": f"cannot read {closed}/mine (Permission denied): make it readable, or name "
        "another",
        f"mine[0] HOME={closed}": f"cannot read {closed}/.local/share/gibbsweep/mine (Permission denied)",
        f"digits GIBBSWEEP_CACHE={closed}/c GIBBSWEEP_DATA={closed}": f"cannot write to the cache folder {closed}/c (",
        f"digits HOME={closed}": f"cannot write to the cache folder {closed}/.cache/gibbsweep (Permission denied): "
        "point",
    }
    done = subprocess.run(
        [sys.executable, "-c", AS_ANOTHER_USER, *cases],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(cases)
    for line, expected in zip(lines, cases.values(), strict=True):
        assert line.startswith(expected)


def test_a_file_in_place_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert all(row["where"] != str(tmp_path / "file") for row in catalogue_rows(tmp_path / "file"))
    with pytest.raises(UserError, match="unknown data set 'mine'"):
        load("mine", root=tmp_path / "file")
