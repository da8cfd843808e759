"""``gibbsweep train``: its options. What it does stands in ``single``, which imports PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from gibbsweep.folder.layout import default_runs
from gibbsweep.option import OrDefault
from gibbsweep.precisions import PrecisionOption


@dataclass(frozen=True)
class TrainOptions:
    """The options of ``gibbsweep train``."""

    target: Positional[str] = ""
    """Study script and contender, for example sweeps/cd_k.py:rbm. With --like it may be left out."""
    like: Annotated[OrDefault[str], arg(metavar="RUN")] = None
    """Train what this run trained, by its record: SWEEP:TRIAL, or the folder of any run. Options then change it."""
    go_on: bool = False
    """With --like: begin with the checkpoint of that run, instead of from the start."""
    set: Annotated[tuple[str, ...], arg(help_behavior_hint="")] = ()
    """Fields of the configuration to change, for example: --set k=10 learning_rate=0.05."""
    budget: OrDefault[str] = None
    """How long to train: smoke, laptop, gpu, ... (default: laptop, or that of --like)."""
    updates: OrDefault[int] = None
    """Train for so many updates in all (default: the budget's)."""
    data: OrDefault[str] = None
    """Data set (default: the study's, or that of --like)."""
    seed: OrDefault[int] = None
    """Seed of weights, data order and noise (default: 0, or that of --like)."""
    precision: PrecisionOption = "auto"
    """Arithmetic of training: auto measures once a run which pays on this machine."""
    retries: OrDefault[int] = None
    """Restarts after a divergence, from the last good checkpoint with a new seed and halved steps (default: the
    budget's, 0)."""
    accumulate: OrDefault[int] = None
    """Parts of each worker's batch whose gradients are added up, where the whole batch does not fit a memory (default:
    the budget's)."""
    workers: int = 1
    """Data-parallel workers; more than one need Ray."""
    gpus_per_worker: float = 0.0
    """GPUs of each worker."""
    no_ray: bool = False
    """Train in this process: needs torch alone, no Ray, Optuna or MLflow."""
    name: OrDefault[str] = None
    """Name of the run's folder; an existing one is resumed by the same command, and refused to any other run (default:
    contender and time)."""
    runs: Path = field(default_factory=default_runs)
    """Folder of all runs (default: $GIBBSWEEP_RUNS, else runs)."""
    data_root: OrDefault[Path] = None
    """Folder of the data sets (default: $GIBBSWEEP_DATA)."""
    verbose: bool = False
    """Show what Ray prints."""


def train_one(options: TrainOptions) -> None:
    """Train one contender of a study once, and evaluate it on the test split."""
    from gibbsweep.cli.model.single import train

    train(options)
