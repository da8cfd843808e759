"""Every file name of a run's folder, and those of a sweep's folder that more than one package reads, once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gibbsweep.errors import UserError

CONFIG = "config.json"
SPOOL = "metrics.jsonl"
OUTCOME = "outcome.json"
PAUSED = "paused.json"
RESTARTS = "restarts.json"
MEMORY_RETRIES = "packing.json"
COPIES = "takeovers.json"
STARTS = "begun.json"
PRECISION = "precision.json"
LOG = "log.txt"
PHASE = "phase.txt"
LOCK = "run.lock"
IMAGES = "images"
SOUNDS = "sounds"
TEST = "test"
"""Below ``images/`` and ``sounds/`` the folder of what was measured on the test split."""

CHECKPOINT = "checkpoint"
STATE = "state.json"
"""In a checkpoint's folder the file that vouches for its tensors."""
REMOVED = "removed.json"
"""In a checkpoint's folder the reason why its checkpoint was removed."""

RAY = "ray"
"""In a run's folder what Ray Train leaves, in a sweep's what Ray Tune does."""
TRACKED = "tracked.json"
"""In both folders: what has reached the tracking store."""

TRIALS = "trials"
RESULTS = "results"
SWEEP = "sweep.json"
QUOTA = "disk.json"
TRACK_LOG = "track.log"
TRACK_LOCK = "track.lock"


def check_folder_name(name: str, what: str) -> None:
    """Raise UserError where ``name``, which is ``what`` ("a run's name"), has characters that a shell, a URI or a
    tracking store's filter reads as more than text."""
    if not re.fullmatch(r"[^\W_][\w.-]*", name):
        raise UserError(
            f"{what} is the name of a folder: got {name!r}; use letters, digits, -, _ and ., a letter or digit first."
        )


def default_runs() -> Path:
    """The folder of all sweeps where none is named: that of the environment variable GIBBSWEEP_RUNS, which a cluster
    sets to one that its machines share, else ``runs``."""
    return Path(os.environ.get("GIBBSWEEP_RUNS") or "runs")


def check_is_local(folder: Path, option: str) -> None:
    """Raise UserError where ``folder``, which ``option`` named, is an address of a bucket or of another service: a path
    would make a folder of that name here."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", str(folder))
    if scheme is not None:
        raise UserError(
            f"{option} takes a folder, and {folder} begins with {scheme[1]}:/ as an address does: mount it on every "
            f"machine (NFS, EFS, Filestore, Lustre) and name the mounted folder, for example {option} /shared/runs."
        )


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, and the path of everything that it may hold.

    For example::

        folder = RunFolder(Path("runs/cd_k-1/trials/rbm-0003"))
        losses = [record.metrics["train/cd/loss"] for record in read_spool(folder.spool)]
    """

    path: Path

    @property
    def config(self) -> Path:
        """What is trained, on which data, from which code. A run has begun once it is there."""
        return self.path / CONFIG

    @property
    def spool(self) -> Path:
        """The reports, a line each (see :mod:`gibbsweep.folder.spool`)."""
        return self.path / SPOOL

    @property
    def outcome(self) -> Path:
        """How the run ended, written last (see :mod:`gibbsweep.folder.outcome`)."""
        return self.path / OUTCOME

    @property
    def paused(self) -> Path:
        """How the run last paused. A file of its own, since a pause must not be taken for an end."""
        return self.path / PAUSED

    @property
    def restarts(self) -> Path:
        """The restarts after divergences (see :mod:`gibbsweep.folder.notes`)."""
        return self.path / RESTARTS

    @property
    def memory_retries(self) -> Path:
        """The retries with more memory (see :mod:`gibbsweep.folder.notes`)."""
        return self.path / MEMORY_RETRIES

    @property
    def copies(self) -> Path:
        """The checkpoints of other runs that this one went on from (see :mod:`gibbsweep.folder.notes`)."""
        return self.path / COPIES

    @property
    def starts(self) -> Path:
        """How many processes have begun since the run last advanced (see :mod:`gibbsweep.folder.process`)."""
        return self.path / STARTS

    @property
    def lock(self) -> Path:
        """Held by the one process that trains in this folder."""
        return self.path / LOCK

    @property
    def precision(self) -> Path:
        """What "auto" measured, where the run does not share that with others."""
        return self.path / PRECISION

    @property
    def log(self) -> Path:
        """What the run's processes printed."""
        return self.path / LOG

    @property
    def phase(self) -> Path:
        """What the run's process does now, in words (see :mod:`gibbsweep.folder.phase`)."""
        return self.path / PHASE

    @property
    def checkpoint(self) -> Path:
        """The folder of the checkpoint (see :mod:`gibbsweep.train.checkpoint`)."""
        return self.path / CHECKPOINT

    @property
    def images(self) -> Path:
        """The folder of the pictures."""
        return self.path / IMAGES

    @property
    def sounds(self) -> Path:
        """The folder of the sounds."""
        return self.path / SOUNDS

    @property
    def ray(self) -> Path:
        """What Ray Train leaves of a worker group."""
        return self.path / RAY

    @property
    def sweep(self) -> SweepFolder:
        """The folder of the sweep that the run belongs to."""
        return SweepFolder(self.path.parent.parent)

    def image(self, key: str, step: int) -> Path:
        """The picture ``key`` after ``step`` updates."""
        return self.images / key / f"{step:08d}.png"

    def sound(self, key: str, step: int) -> Path:
        """The sound ``key`` after ``step`` updates."""
        return self.sounds / key / f"{step:08d}.wav"


@dataclass(frozen=True)
class SweepFolder:
    """The folder of one sweep, and the paths in it that more than one package reads.

    :class:`gibbsweep.tune.folder.layout.SweepDir` adds what the sweep engine alone keeps there. For example::

        for folder in SweepFolder(Path("runs/cd_k-1")).runs_with(OUTCOME):
            print(folder.name, Outcome.read(folder))
    """

    path: Path

    @property
    def name(self) -> str:
        """The name of the sweep."""
        return self.path.name

    @property
    def record_path(self) -> Path:
        """What was asked: the study, its question and the options. The folder is a sweep's once this file is there."""
        return self.path / SWEEP

    @property
    def trials(self) -> Path:
        """The folder of the run folders, those of retrainings too."""
        return self.path / TRIALS

    @property
    def results(self) -> Path:
        """The folder of the tables and figures."""
        return self.path / RESULTS

    @property
    def quota(self) -> Path:
        """The bytes that all checkpoints may take, where there is a limit. Those of search trials may then be
        removed."""
        return self.path / QUOTA

    @property
    def track_log(self) -> Path:
        """What the tracking process and MLflow said."""
        return self.path / TRACK_LOG

    @property
    def track_lock(self) -> Path:
        """Held by the one process that sends the sweep to a tracking store."""
        return self.path / TRACK_LOCK

    def trial(self, run: str) -> Path:
        """The folder of the run of that name."""
        return self.trials / run

    def runs_with(self, name: str) -> Iterator[Path]:
        """The folders of the runs that have the file ``name``, in no order."""
        for path in self.trials.glob(f"*/{name}"):
            yield path.parent
