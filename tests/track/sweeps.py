"""A sweep's folder, written the way the sweep and its trials write it, and what a store says about it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.track.stores.store import connect

START = 1_700_000_000.0
NAMES = {float("inf"): "Infinity", float("-inf"): "-Infinity"}


class Trial:
    """What a trial's process does to its folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config))

    def report(self, step: int, **metrics: float) -> None:
        values = {name: "NaN" if math.isnan(value) else NAMES.get(value, value) for name, value in metrics.items()}
        self.write(json.dumps({"step": step, "time": START + step, "metrics": values}) + "\n")

    def write(self, text: str) -> None:
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write(text)

    def image(self, key: str, step: int) -> None:
        path = self.folder / "images" / key / f"{step:08d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((8, 8), step % 256, dtype=np.uint8)).save(path)

    def sound(self, key: str, step: int) -> bytes:
        content = encode_wav(np.arange(step, step + 80, dtype=np.int16), 8000)
        path = self.folder / "sounds" / key / f"{step:08d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    def end(self, outcome: str, step: int, message: str = "", **metrics: float) -> None:
        (self.folder / "checkpoint").mkdir(exist_ok=True)
        (self.folder / "checkpoint" / "state.json").write_text(json.dumps({"step": step}))
        (self.folder / "log.txt").write_text("the end\n")
        content = {"outcome": outcome, "step": step, "message": message, "metrics": metrics}
        (self.folder / "outcome.json").write_text(json.dumps(content))

    @property
    def tracked(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "tracked.json").read_text()))


class Sweep:
    """A sweep's folder, and what a store says about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        content = {
            "name": folder.name,
            "study": "cd_k",
            "question": "How many Gibbs steps does CD need?",
            "data": "digits",
            "budget": {"updates": 100},
            "fingerprint": "f" * 64,
            "git_commit": "c0ffee",
            "created": START,
        }
        (folder / "sweep.json").write_text(json.dumps(content))

    def trial(self, name: str, **params: Any) -> Trial:
        config = {
            "contender": name.partition("-")[0],
            "kind": "search",
            "seed": 0,
            "params": params or {"sampler": {"n_steps": 3, "temperature": 1.0}, "learning_rate": 1e-3},
            "data": {"name": "digits", "fingerprint": "d" * 64, "rows": 1500},
            "git_commit": "c0ffee",
        }
        return Trial(self.folder / "trials" / name, config)

    def runs(self, tracking_uri: str) -> dict[str, Any]:
        """The active runs of the store by name; two of the same name fail the test."""
        client = connect(tracking_uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, f"tags.`gibbsweep.sweep` = '{self.folder.name}'", max_results=1000)
        names = [run.info.run_name for run in runs]
        assert len(names) == len(set(names)), f"a run was created twice: {sorted(names)}"
        return {str(run.info.run_name): run for run in runs}

    def artifacts(self, tracking_uri: str, run_id: str, folder: str = "") -> list[str]:
        """The paths of a run's files, those of its folders included."""
        paths = []
        for entry in connect(tracking_uri).list_artifacts(run_id, folder):
            paths += self.artifacts(tracking_uri, run_id, entry.path) if entry.is_dir else [entry.path]
        return sorted(paths)

    def history(self, tracking_uri: str, trial: str, key: str) -> list[tuple[int, int, float]]:
        """(step, time in ms, value) of every point, by step."""
        run_id = self.runs(tracking_uri)[trial].info.run_id
        points = connect(tracking_uri).get_metric_history(run_id, key)
        return sorted((point.step, point.timestamp, point.value) for point in points)


def points(steps: range, value: Callable[[int], float]) -> list[tuple[int, int, float]]:
    """The history of a metric that was reported as ``value(step)``."""
    return [(step, int((START + step) * 1000), value(step)) for step in steps]
