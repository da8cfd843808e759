"""What tracking has sent, and what it has not sent yet, counted from the files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gibbsweep.folder import RunFolder, SweepFolder
from gibbsweep.folder.layout import CONFIG
from gibbsweep.folder.spool import count_lines
from gibbsweep.track.mirror.media import image_files, sound_files
from gibbsweep.track.mirror.tracked import TrackedSweep, TrackedTrial, stamp
from gibbsweep.track.stores.uri import redact


@dataclass(frozen=True)
class SyncReport:
    """What the passes over a sweep have sent, and what is left."""

    runs: int
    """Trials that have a run in the store."""
    metrics_sent: int
    """Points of metrics."""
    images_sent: int
    """Pictures."""
    artifacts_sent: int
    """Other files, sounds included."""
    pending: int
    """Reports, pictures, sounds, outcomes and files of the sweep that the store does not have yet."""
    error: str = ""
    """What went wrong, and where; "" if nothing did."""
    unreachable: bool = False
    """Whether the error is that nothing answers: the same call can succeed later."""


def trial_folders(sweep_dir: Path) -> list[Path]:
    """The folders of the trials that have begun, by name."""
    trials = SweepFolder(sweep_dir).trials
    return [trials / name for name in trial_names(sweep_dir) if has_begun(trials, name)]


def trial_names(sweep_dir: Path) -> list[str]:
    """The names of all trials that have a folder, sorted."""
    trials = SweepFolder(sweep_dir).trials
    return sorted(os.listdir(trials)) if trials.is_dir() else []


def has_begun(trials: Path, name: str) -> bool:
    """Whether the trial ``name`` in the folder ``trials`` has begun. The path is a string: every pass asks this of
    every trial."""
    return os.path.exists(f"{trials}/{name}/{CONFIG}")


def sweep_files(sweep_dir: Path) -> list[Path]:
    """The files that become artifacts of the sweep's own run: ``sweep.json`` and everything in ``results/``."""
    folder = SweepFolder(sweep_dir)
    files = [path for path in folder.results.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return [folder.record_path, *sorted(files)]


def count_runs(sweep_dir: Path, tracking_uri: str) -> int:
    """The number of trials that have a run in the store."""
    store = redact(tracking_uri)
    return sum(bool(TrackedTrial.load(trial, store).run_id) for trial in trial_folders(sweep_dir))


def count_pending(sweep_dir: Path, tracking_uri: str) -> int:
    """How much the store still lacks, counted from the files alone (see :attr:`SyncReport.pending`)."""
    store = redact(tracking_uri)
    sweep = TrackedSweep.load(sweep_dir, store)
    of_the_sweep = sum(
        stamp(path) != sweep.artifacts.get(path.relative_to(sweep_dir).as_posix()) for path in sweep_files(sweep_dir)
    )
    return of_the_sweep + sum(_count_pending_of(trial, store) for trial in trial_folders(sweep_dir))


def _count_pending_of(trial: Path, store: str) -> int:
    state = TrackedTrial.load(trial, store)
    if state.deleted:
        return 0
    images = len(set(image_files(trial)) - set(state.images))
    outcome = stamp(RunFolder(trial).outcome) != state.outcome_stamp
    sounds = len(set(sound_files(trial)) - set(state.sounds))
    return count_lines(RunFolder(trial).spool, state.offset) + images + sounds + outcome
