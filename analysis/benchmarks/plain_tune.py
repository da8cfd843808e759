"""A search with Ray Tune alone: ``python analysis/benchmarks/plain_tune.py N FOLDER``.

It writes the wall time of each report and of the end to ``FOLDER/times.json``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import Callback


def trial(config: dict[str, Any]) -> None:
    """A trial that reports once."""
    tune.report({"distance": (config["value"] - 0.3) ** 2})


class Times(Callback):
    """Records the wall time of each report."""

    def __init__(self) -> None:
        self.reports: list[float] = []

    def on_trial_result(self, *args: Any, **info: Any) -> None:
        self.reports.append(time.time())


def run(n: int, folder: Path) -> dict[str, Any]:
    """Run ``n`` trials of one CPU by random search, in re-used actors, and return the times.

    The environment says whether Tune's loggers write files.
    """
    times, started = Times(), time.time()
    tune.Tuner(
        tune.with_resources(trial, {"CPU": 1}),
        param_space={"value": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(num_samples=n, reuse_actors=True, metric="distance", mode="min"),
        run_config=tune.RunConfig(name="plain", storage_path=str(folder.absolute()), verbose=0, callbacks=[times]),
    ).fit()
    return {"started": started, "reports": times.reports, "ended": time.time()}


if __name__ == "__main__":
    measured = run(int(sys.argv[1]), Path(sys.argv[2]))
    Path(sys.argv[2], "times.json").write_text(json.dumps(measured))
