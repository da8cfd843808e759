"""The script that a run of a sweep is of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.run.provenance import keep_script, script_record
from gibbsweep.tune.folder.find import script_of


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "checkout" / "sweeps" / "mine.py"
    path.parent.mkdir(parents=True)
    path.write_text("'''A study.'''\n")
    return path


@pytest.fixture
def run(tmp_path: Path, script: Path) -> Path:
    """A run of a sweep whose folder is as a sweep writes it: with the script's record, its copy, and its driver."""
    sweep = tmp_path / "runs" / "s"
    (sweep / "trials" / "rbm-0003").mkdir(parents=True)
    (sweep / "sweep.json").write_text(json.dumps({"study": "mine", "script": script_record(script)}))
    keep_script(script, sweep)
    driver = {"host": "here", "pid": 1, "started": 0.0, "command": "python sweeps/mine.py --resume s"}
    (sweep / "driver.json").write_text(json.dumps({**driver, "folder": str(script.parents[1])}))
    return sweep / "trials" / "rbm-0003"


def test_the_script_of_a_sweep_is_that_of_the_command_that_drove_it(run: Path, script: Path) -> None:
    assert script_of(run) == script


def test_a_script_that_is_gone_is_said_with_its_copy(run: Path, script: Path) -> None:
    script.unlink()
    copy = run.parents[1] / "script" / "mine.py"
    with pytest.raises(UserError, match=rf"mine.py is gone \(as it was: {copy}\): name it, SCRIPT.py:CONTENDER"):
        script_of(run)


def test_a_script_that_nothing_names_is_asked_for(run: Path) -> None:
    (run.parents[1] / "driver.json").unlink()
    with pytest.raises(UserError, match=r"the study script of rbm-0003 is not on record \(as it was: "):
        script_of(run)
