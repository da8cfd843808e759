"""Two sweeps at once on one PostgreSQL store: what each run there has is what its folder has, and nothing of the
other's."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.patience import ENOUGH_S, wait_until
from tests.track.sweeps import Sweep
from tests.track.waiting import sent_beyond

from gibbsweep.track import sync
from gibbsweep.track.stores.store import connect

DRIVER = """
import json, sys
from pathlib import Path
from gibbsweep.track import Tracker
tracker = Tracker(Path(sys.argv[1]), tracking_uri=sys.argv[2], experiment="cd_k", period_s=0.05, system_metrics=False)
tracker.start()
sys.stdin.readline()  # until the sweep has ended
report = tracker.close("FINISHED", timeout_s=600.0)
print(json.dumps([report.runs, report.pending, report.error]))
"""
TRIALS = ("rbm-0000", "rbm-0001", "vae-0000")
STEPS = 40


def tracker_of(sweep: Sweep, store: str) -> subprocess.Popen[str]:
    """In a process of its own, as a sweep's driver has it."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(sweep.folder), store],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def closed(process: subprocess.Popen[str]) -> Any:
    """(runs, what is pending, error) of the tracker's last pass."""
    text, _ = process.communicate("\n", timeout=2 * ENOUGH_S)
    assert process.returncode == 0
    return json.loads(text.splitlines()[-1])


def points_of(folder: Path) -> dict[str, set[tuple[int, int, float]]]:
    """By metric, every (step, time in ms, value) that a trial's folder has."""
    points: defaultdict[str, set[tuple[int, int, float]]] = defaultdict(set)
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        for name, value in record["metrics"].items():
            points[name].add((record["step"], round(record["time"] * 1000), value))
    outcome = json.loads((folder / "outcome.json").read_text())
    for name, value in outcome["metrics"].items():
        points[name].add((outcome["step"], round(record["time"] * 1000), value))
    return dict(points)


def check(sweep: Sweep, store: str) -> set[str]:
    """The store has what the folder has, once; returns the ids of the runs."""
    client, runs = connect(store), sweep.runs(store)
    assert set(runs) == {sweep.folder.name, *TRIALS}
    parent = runs[sweep.folder.name]
    assert parent.info.status == "FINISHED" and parent.data.tags["gibbsweep.study"] == "cd_k"
    assert parent.data.metrics == {
        "trials/completed": 2, "trials/pruned": 0, "trials/diverged": 1, "trials/failed": 0
    }  # fmt: skip
    for name in TRIALS:
        folder, run = sweep.folder / "trials" / name, runs[name]
        outcome, config = (json.loads((folder / f"{file}.json").read_text()) for file in ("outcome", "config"))
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["gibbsweep.run_key"] == f"{sweep.folder.name}/{name}"
        assert run.data.tags["gibbsweep.outcome"] == outcome["outcome"]
        assert run.data.params["learning_rate"] == json.dumps(config["params"]["learning_rate"])
        expected = points_of(folder)
        assert set(run.data.metrics) == set(expected)
        for metric, points in expected.items():
            history = [(p.step, p.timestamp, p.value) for p in client.get_metric_history(run.info.run_id, metric)]
            assert sorted(history) == sorted(points), f"{name}: {metric}"
        artifacts = sweep.artifacts(store, run.info.run_id)
        plain = ["checkpoint/state.json", "config.json", "log.txt", "outcome.json"]
        assert sorted(path for path in artifacts if not path.startswith("images/")) == plain
        pictures = sorted((folder / "images").rglob("*.png"))
        assert sum(path.endswith(".png") for path in artifacts) == len(pictures)
        for path in plain:
            content = (Path(run.info.artifact_uri.removeprefix("file://")) / path).read_bytes()
            assert content == (folder / path).read_bytes(), f"{name}: {path}"
    return {run.info.run_id for run in runs.values()}


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "one is killed"])
def test_two_sweeps_write_to_one_postgresql_at_once(tmp_path: Path, postgres: str, killed: bool) -> None:
    """Both find a store without tables. Their trials have the same names, and other numbers."""
    runs = tmp_path / "runs"
    sweeps = [Sweep(runs / "a"), Sweep(runs / "b")]
    trackers = [tracker_of(sweep, postgres) for sweep in sweeps]
    try:
        trials = [
            [sweep.trial(name, learning_rate=rate + i / 100) for i, name in enumerate(TRIALS)]
            for sweep, rate in zip(sweeps, (0.1, 0.2), strict=True)
        ]
        for step in range(1, STEPS + 1):
            for number, trials_of_sweep in enumerate(trials):
                for i, trial in enumerate(trials_of_sweep):
                    value = (1000 * number + 100 * i + step) * 1.0
                    trial.report(step, loss=value, **{"validation/energy_gap": -value})
                    if step % 20 == 0:
                        trial.image("samples", step)
            if step == STEPS // 2:
                for trials_of_sweep in trials:
                    wait_until(functools.partial(sent_beyond, trials_of_sweep[-1], 0))
                if killed:
                    trackers[1].send_signal(signal.SIGKILL)
                    trackers[1].communicate()
                    trackers[1] = tracker_of(sweeps[1], postgres)
        for number, trials_of_sweep in enumerate(trials):
            for i, trial in enumerate(trials_of_sweep):
                kind = "diverged" if i == 1 else "completed"
                trial.end(kind, STEPS, **{"test/mmd": number + i / 10})
        assert [closed(process) for process in trackers] == [[3, 0, ""], [3, 0, ""]]
    finally:
        for process in trackers:
            if process.poll() is None:
                process.kill()
                process.communicate()
    ids = [check(sweep, postgres) for sweep in sweeps]
    assert not ids[0] & ids[1]
    client = connect(postgres)
    experiments = client.search_experiments()
    assert sorted(experiment.name for experiment in experiments) == ["Default", "cd_k"]
    every = client.search_runs([experiment.experiment_id for experiment in experiments])
    assert {run.info.run_id for run in every} == ids[0] | ids[1], "no run of nobody's"
    for sweep in sweeps:
        again = sync(sweep.folder, tracking_uri=postgres)
        assert (again.metrics_sent, again.images_sent, again.artifacts_sent, again.error) == (0, 0, 0, "")
