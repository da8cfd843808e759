"""Real signals: Ctrl-C and SIGKILL leave a sweep that resumes to a whole table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from gibbsweep.study import Results
from gibbsweep.train import Outcome
from gibbsweep.train.report import read_spool
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["--budget", "slow", "--trials", "2", "--seeds", "1", "--address", "local", "--cpus", "2"]


def command(runs: Path, *words: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    return subprocess.Popen(
        [sys.executable, "tests/tiny.py", "--runs", str(runs), *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its Ray must get no signal of ours
    )


def wait_for_reports(runs: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while sum(len(read_spool(p)) for p in runs.rglob("metrics.jsonl")) < count:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline, "no reports"
        time.sleep(0.05)


def kill_tree(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the driver and to everything it started: what a power cut does."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=20)


def check_whole(runs: Path) -> None:
    sweep = SweepDir(runs / "s")
    for run_dir in (sweep.path / "trials").iterdir():
        outcome = Outcome.read(run_dir)
        assert outcome is not None
        assert outcome.outcome == "completed"
        steps = [step for step, _ in read_spool(run_dir / "metrics.jsonl")]
        assert steps == list(range(20, 2001, 20)), f"{run_dir.name} lost or repeated a report"
    (study,) = open_storage(sweep).get_all_studies()
    trials = open_storage(sweep).get_all_trials(study._study_id)
    assert [t.state.name for t in trials] == ["COMPLETE"] * 2
    results = Results.from_json((sweep.results / "tiny.json").read_text())
    assert [row.outcomes["completed"] for row in results.rows] == [2, 2]


def test_ctrl_c_then_sigkill_then_resume(tmp_path: Path) -> None:
    process = command(tmp_path, *WORDS, "--name", "s")
    wait_for_reports(tmp_path, 20, process)
    os.kill(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert "--resume s" in text
    assert "Traceback" not in text

    before = sum(len(read_spool(p)) for p in tmp_path.rglob("metrics.jsonl"))
    process = command(tmp_path, "--resume", "s", "--address", "local", "--cpus", "2")
    wait_for_reports(tmp_path, before + 30, process)
    kill_tree(process)

    process = command(tmp_path, "--resume", "s", "--address", "local", "--cpus", "2")
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    check_whole(tmp_path)
