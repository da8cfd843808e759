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


NAMELESS = """
import os
from gibbsweep.data import load
from gibbsweep.errors import UserError
os.setuid(54321)
try:
    load("digits")
except UserError as error:
    print(error)
"""


def as_user(code: str, **environment: str) -> str:
    """What ``code`` prints."""
    home = {
        name: value for name, value in os.environ.items() if name not in ("HOME", "GIBBSWEEP_DATA", "GIBBSWEEP_CACHE")
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=home | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another user is taken on, which only root may")


@needs_root
def test_a_user_without_name_and_home(tmp_path: Path) -> None:
    assert "no home folder (HOME is not set and the user has no name): set GIBBSWEEP_DATA" in as_user(NAMELESS)
    assert "user has no name): set GIBBSWEEP_CACHE" in as_user(NAMELESS, GIBBSWEEP_DATA=str(tmp_path))


@needs_root
def test_folders_that_may_not_be_read_or_written(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    put(closed / "mine" / "train.parquet", {"image": pictures(3)})
    closed.chmod(0o700)
    told = as_user(NAMELESS.replace("digits", "mine"), GIBBSWEEP_DATA=str(closed), GIBBSWEEP_CACHE=str(tmp_path / "c"))
    assert told.startswith(f"cannot read {closed}") and "--data-root" in told
    told = as_user(NAMELESS, GIBBSWEEP_DATA=str(closed), GIBBSWEEP_CACHE=str(closed / "cache"))
    assert told.startswith(f"cannot write to the cache folder {closed / 'cache'}") and "GIBBSWEEP_CACHE" in told
    told = as_user(NAMELESS, HOME=str(closed))
    assert told.startswith("cannot write to the cache folder") and "GIBBSWEEP_CACHE" in told


def test_a_file_in_place_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert all(row["where"] != str(tmp_path / "file") for row in catalogue_rows(tmp_path / "file"))
    with pytest.raises(UserError, match="unknown data set 'mine'"):
        load("mine", root=tmp_path / "file")
