"""The wheel alone, outside any checkout: ``gibbsweep new`` writes a study that runs on Ray, with its results beside
it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from tests.scripts import ROOT

pytestmark = pytest.mark.cluster


def ran(*words: str | Path, folder: Path) -> str:
    """What a program prints in ``folder``, in an environment that knows nothing of this checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, and finds what it depends on where it is installed
    already: nothing is downloaded."""
    pytest.importorskip("hatchling")  # of the test extra
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    ran(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT, folder=folder)
    (wheel,) = folder.glob("gibbsweep-*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    ran(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, folder=folder)
    # A folder that a .pth file names is searched, and its own .pth files, of which one leads here, are not read.
    (packages,) = (folder / "venv" / "lib").glob("*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_a_study_of_one_s_own_runs(programs: Path, tmp_path: Path) -> None:
    where = ran(programs / "python", "-c", "import gibbsweep; print(gibbsweep.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(programs.parent)
    ran(programs / "gibbsweep", "new", "my_energy", folder=tmp_path)
    words = ("--budget", "smoke", "--data", "digits", "--trials", "1", "--seeds", "1", "--name", "first")
    printed = ran(programs / "python", "my_energy.py", *words, "--address", "local", "--cpus", "1", folder=tmp_path)
    assert "Does an energy of my own draw as well as a VAE" in printed
    sweep = tmp_path / "runs" / "first"
    table = json.loads((sweep / "results" / "my_energy_digits.json").read_text())
    assert {row["contender"]: row["outcomes"]["completed"] > 0 for row in table["rows"]} == {"mine": True, "vae": True}
    record = json.loads((sweep / "sweep.json").read_text())
    assert record["git_commit"] == "unknown"
    assert record["script"] == {"name": "my_energy.py", "commit": "unknown", "dirty": None}
    assert (sweep / "script" / "my_energy.py").read_text() == (tmp_path / "my_energy.py").read_text()
    assert "first" in ran(programs / "gibbsweep", "status", "first", folder=tmp_path)
