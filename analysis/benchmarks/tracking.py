"""The cost of a trial for the tracking process: finished or growing run folders, a fresh SQLite store, no Ray and no
training."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from gibbsweep.track import default_tracking_uri, migrate
from gibbsweep.track.mirror.sweep import SweepMirror
from gibbsweep.track.tracker import PERIOD_S
from gibbsweep.train import Outcome, SpoolReporter

TRIALS = 60


def cpu_seconds_of_a_trial(seconds: float, reports: int, metrics: int, repeats: int = 3) -> float:
    """Median CPU-seconds of the tracking process for each of ``TRIALS`` trials.

    A trial takes ``seconds``, reports ``metrics`` numbers ``reports`` times at equal distances, and ends. The process
    passes over all trials every ``PERIOD_S`` while they run, and once after their end.
    """
    passes = 1 + int(seconds / PERIOD_S)
    with tempfile.TemporaryDirectory() as folder:
        tracking_uri = default_tracking_uri(Path(folder))
        migrate(tracking_uri)
        return statistics.median(
            _track(Path(folder, f"sweep-{repeat}"), tracking_uri, passes, reports, metrics) / TRIALS
            for repeat in range(repeats + 1)
            if repeat  # MLflow imports late: not in the first one
        )


def _track(sweep: Path, tracking_uri: str, passes: int, reports: int, metrics: int) -> float:
    names = [f"rbm-{i:04d}" for i in range(TRIALS)]
    for name in names:
        (sweep / "trials" / name).mkdir(parents=True)
        config = {"contender": "rbm", "kind": "search", "seed": 0, "params": {"k": 10, "learning_rate": 1e-3}}
        config |= {"data": {"name": "digits", "fingerprint": "d" * 64, "rows": 1500}}
        (sweep / "trials" / name / "config.json").write_text(json.dumps(config))
    (sweep / "sweep.json").write_text(json.dumps({"name": sweep.name, "study": "cd_k", "question": "How many steps?"}))
    spools = [SpoolReporter(sweep / "trials" / name) for name in names]
    mirror, spent = SweepMirror(sweep, tracking_uri=tracking_uri), 0.0
    for one in range(1, passes + 1):
        for name, spool in zip(names, spools, strict=True):
            for step in range(1 + (one - 1) * reports // passes, 1 + one * reports // passes):
                spool(step, {f"train/metric_{i}": step / (i + 1) for i in range(metrics)})
            if one == passes:
                (sweep / "trials" / name / "log.txt").write_text("trained\n")
                Outcome("completed", reports, {"validation/log_likelihood": -100.0}).write(sweep / "trials" / name)
        start = time.process_time()
        error = mirror.send("FINISHED" if one == passes else "")
        spent += time.process_time() - start
        assert not error, error
    for spool in spools:
        spool.close()
    assert mirror.report().pending == 0
    return spent
