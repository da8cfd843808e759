"""Four small runs that leave every file that a run's folder can have.

``recorded/`` holds the folder that they left at commit ebf7777, before the formats had an owner.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.run.parabola import BUDGET, ParabolaConfig, assignment

from gibbsweep.folder import CheckpointCopy, MemoryRetry, Outcome, only_process, write_atomically, write_memory_retries
from gibbsweep.folder.process import count_start
from gibbsweep.run import run as run_module
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.run import run
from gibbsweep.train import Budget, Segment, SpoolReporter, precision
from gibbsweep.train.checkpoint import remove_checkpoint
from gibbsweep.train.copy_checkpoint import copy_checkpoint
from gibbsweep.train.report import Sound

RECORDED = Path(__file__).parent / "recorded"
POPULATION = Budget(updates=12, batch_size=10, report_every=3, also_at=(4, 8))
METRICS = {
    "train/loss": math.nan,
    "validation/a": math.inf,
    "validation/b": -math.inf,
    "train/device_seconds": 0.5,
    "train/samples": 40,
    "train/nfe": 16,
}


def record(sweep_dir: Path) -> None:
    """Leave the runs ``restarted``, ``donor``, ``copy`` and ``non_finite`` in the folder of a sweep with a quota."""
    trials = sweep_dir / "trials"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "device_name", lambda device: "CPU (recorded)")
        # What "auto" measures must not depend on what else runs.
        patch.setattr(precision, "_seconds_per_update", lambda p, *others: 0.25 if p == "fp32" else 0.5)
        _restarted(trials)
        _population(trials)
    _non_finite(trials)
    sweep = {
        "name": "recorded",
        "study": "parabola",
        "question": "Where is the minimum?",
        "data": "digits",
        "git_commit": "c0ffee",
        "created": 1700000000.0,
    }
    write_atomically(sweep_dir / "sweep.json", json.dumps(sweep, indent=1).encode())
    write_atomically(sweep_dir / "disk.json", json.dumps({"bytes": 1000000}).encode())
    for lock in sweep_dir.rglob("*.lock"):
        lock.unlink()


def _assigned(run_dir: Path, budget: Budget, **changes: object) -> Assignment:
    base = assignment(run_dir, budget)
    return replace(base, name=run_dir.name, git_commit="c0ffee", **changes)  # type: ignore[arg-type]


def _restarted(trials: Path) -> None:
    """A run that runs out of memory, diverges at update 7, completes, and loses its checkpoint to the quota."""
    run_dir = trials / "restarted"
    with only_process(run_dir):
        for _ in range(2):
            count_start(run_dir, "1700000000-1", 0)
        retry = MemoryRetry("parabola", "host", 0, 4, 2, 2, 0.0, "MemoryError: no more", 1.25)
        write_memory_retries(run_dir, [retry])
        run(_assigned(run_dir, BUDGET, precision="auto"))
    remove_checkpoint(run_dir / "checkpoint", "removed to keep the sweep's checkpoints within --disk 1MB")


def _population(trials: Path) -> None:
    """``donor`` pauses after 8 updates; ``copy``, which diverges before, goes on from its checkpoint to the end."""
    _member(trials / "donor", 0.5, 8, Segment(0, {"learning_rate": 0.5}))
    _member(trials / "copy", 3.5, 8, Segment(0, {"learning_rate": 3.5}))
    copy = CheckpointCopy(8, "donor", {"learning_rate": 0.6}, {"learning_rate": (0.5, 0.6)})
    copy_checkpoint(trials / "copy", trials / "donor", copy, 10)
    segments = Segment(0, {"learning_rate": 0.5}), Segment(8, {"learning_rate": 0.6}, (1, 8))
    _member(trials / "copy", 1.5, None, *segments)


def _member(run_dir: Path, rate: float, until: int | None, *segments: Segment) -> None:
    member = _assigned(
        run_dir,
        POPULATION,
        kind="search",
        config=ParabolaConfig(learning_rate=rate),
        evolves=("learning_rate",),
        searched={"learning_rate": rate},
        schedule=segments,
        until=until,
    )
    run(member)


def _non_finite(trials: Path) -> None:
    """A report with a picture and a sound, and an outcome, of numbers that JSON does not have."""
    run_dir = trials / "non_finite"
    spool = SpoolReporter(run_dir)
    spool(
        4,
        METRICS,
        {"samples": np.zeros((2, 2), np.uint8)},
        {"samples": Sound(np.arange(4, dtype=np.int16), 8000)},
    )
    spool.close()
    ended = Outcome("diverged", 4, METRICS, 0.5, "loss is nan", "fp32", "CPU (recorded)", "descent", 40, 16)
    ended.write(run_dir)
    write_atomically(run_dir / "config.json", (trials / "donor" / "config.json").read_bytes())
