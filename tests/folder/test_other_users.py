"""The folders of another user are refused in one sentence. Needs root, which alone can become another user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
SCRIPT = """
import asyncio, os, sys  # what is imported later may stand in a folder that only root reads
from pathlib import Path
import sqlalchemy
from gibbsweep.errors import UserError
from gibbsweep.folder import only_process
from gibbsweep.tune.folder.driver import only_driver, request_stop
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.track.mirror.sweep import sync
os.setgid({user})
os.setuid({user})
sweep = SweepDir(Path(sys.argv[1]))

def drive():
    with only_driver(sweep, "python x.py --resume s"):
        pass

def train():
    with only_process(sweep.trial("rbm-0000"), wait_s=0):
        pass

def send():
    sync(sweep.path, tracking_uri="sqlite:///" + sys.argv[1] + "/x.db")

for work in (drive, train, lambda: request_stop(sweep), send):
    try:
        work()
    except UserError as error:
        print(error)
    else:
        print("it was not refused")
"""


def _private_parents(path: Path) -> list[Path]:
    """The folders above ``path`` that pytest made for its user alone (one more with several processes)."""
    return [parent for parent in path.parents if not parent.stat().st_mode & stat.S_IXOTH]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("mode", [0o755, 0o700], ids=["readable", "private"])
def test_another_users_folder_is_one_sentence(tmp_path: Path, mode: int) -> None:
    sweep = tmp_path / "s"
    (sweep / "trials" / "rbm-0000").mkdir(parents=True)
    for name in ("driver.lock", "track.lock", "sweep.json", "trials/rbm-0000/run.lock"):
        (sweep / name).write_text("{}")
        (sweep / name).chmod(0o644)
    for folder in (tmp_path, *_private_parents(tmp_path), sweep, sweep / "trials", sweep / "trials" / "rbm-0000"):
        folder.chmod(0o755)
    sweep.chmod(mode)
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models"))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(user=NOBODY), str(sweep)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done.stderr
    assert all("belongs to another user" in line for line in lines), lines
