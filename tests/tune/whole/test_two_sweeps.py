"""Two sweeps at once on one machine and one storage: runs folder, tracking store, data cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tune.whole.killing import ROOT

from gibbsweep.study import Results
from gibbsweep.track import sweep_runs
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

pytestmark = pytest.mark.cluster
NAMES = ("a", "b")


def test_two_sweeps_at_once(tmp_path: Path) -> None:
    paths = os.pathsep.join(str(ROOT / name) for name in ("platform", "models", "."))
    words = ["--budget", "smoke", "--seeds", "1", "--address", "local", "--cpus", "1", "--precision", "fp32"]
    running = {
        name: subprocess.Popen(
            [sys.executable, "tests/tiny.py", "--runs", str(tmp_path), "--name", name, *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in NAMES
    }
    tables = {}
    for name, process in running.items():
        text, _ = process.communicate(timeout=300)
        assert process.returncode == 0, text
        assert "not everything was tracked" not in text, text
        sweep = SweepDir(tmp_path / name)
        outcomes = [Outcome.read(folder) for folder in (sweep.path / "trials").iterdir()]
        assert [outcome.kind for outcome in outcomes if outcome is not None] == ["completed"] * 6
        (study,) = open_storage(sweep).get_all_studies()
        assert len(open_storage(sweep).get_all_trials(study._study_id)) == 4
        tracked = sweep_runs(f"sqlite:///{tmp_path}/mlflow.db", name)
        assert len(tracked) == 6
        tables[name] = Results.from_json((sweep.results / "tiny.json").read_text())
    # The same seed, and nothing of one in the other.
    for own, other in zip(*(tables[name].rows for name in NAMES), strict=True):
        timed = [{key: value for key, value in row.metrics.items() if "second" not in key} for row in (own, other)]
        assert timed[0] == timed[1]
        assert own.best_config == other.best_config
