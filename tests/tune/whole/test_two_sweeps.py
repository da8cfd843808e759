"""Two sweeps at once on one machine and one storage: runs folder, tracking store, data cache."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.patience import ENOUGH_S
from tests.tune.whole.killing import command, kill_tree

from gibbsweep.study import Results
from gibbsweep.track import sweep_runs
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

pytestmark = pytest.mark.cluster
NAMES = ("a", "b")


def test_two_sweeps_at_once(tmp_path: Path) -> None:
    words = ["--budget", "smoke", "--seeds", "1", "--address", "local", "--cpus", "1", "--precision", "fp32"]
    running = {name: command(tmp_path, "--name", name, *words) for name in NAMES}
    try:
        said = {name: process.communicate(timeout=2 * ENOUGH_S)[0] for name, process in running.items()}
    finally:
        for process in running.values():
            if process.poll() is None:
                kill_tree(process)
    tables = {}
    for name, process in running.items():
        assert process.returncode == 0, said[name]
        assert "not everything was tracked" not in said[name], said[name]
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
