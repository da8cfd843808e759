"""Real signals: Ctrl-C and SIGKILL leave a sweep that resumes to a whole table."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import ENOUGH_S
from tests.tune.whole.killing import WORDS, command, kill_tree, wait_for_reports

from gibbsweep.folder import Outcome, read_spool
from gibbsweep.study import Results
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

pytestmark = pytest.mark.cluster


def check_whole(runs: Path) -> None:
    sweep = SweepDir(runs / "s")
    for run_dir in (sweep.path / "trials").iterdir():
        outcome = Outcome.read(run_dir)
        assert outcome is not None
        assert outcome.kind == "completed"
        steps = [record.step for record in read_spool(run_dir / "metrics.jsonl")]
        assert steps == list(range(20, 801, 20)), f"{run_dir.name} lost or repeated a report"
    (study,) = open_storage(sweep).get_all_studies()
    trials = open_storage(sweep).get_all_trials(study._study_id)
    assert [t.state.name for t in trials] == ["COMPLETE"] * 2
    results = Results.from_json((sweep.results / "tiny.json").read_text())
    assert [row.outcomes["completed"] for row in results.rows] == [2, 2]


def test_ctrl_c_then_sigkill_then_resume(tmp_path: Path, seed_store: Callable[[Path], None]) -> None:
    seed_store(tmp_path)
    process = command(tmp_path, "--budget", "long", *WORDS[2:], "--name", "s")
    wait_for_reports(tmp_path, 20, process)
    os.kill(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 130, text
    assert "--resume s" in text
    assert "Traceback" not in text

    before = sum(len(read_spool(p)) for p in tmp_path.rglob("metrics.jsonl"))
    process = command(tmp_path, "--resume", "s", "--address", "local", "--cpus", "2")
    wait_for_reports(tmp_path, before + 30, process)
    kill_tree(process)

    process = command(tmp_path, "--resume", "s", "--address", "local", "--cpus", "2")
    text, _ = process.communicate(timeout=ENOUGH_S)
    assert process.returncode == 0, text
    check_whole(tmp_path)
