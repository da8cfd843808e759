"""What a pass of tracking did and what is left to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gibbsweep.folder import RunFolder, SweepFolder
from gibbsweep.folder.layout import CONFIG
from gibbsweep.folder.spool import count_lines
from gibbsweep.track.images import image_files
from gibbsweep.track.sounds import sound_files
from gibbsweep.track.tracked import TrackedSweep, TrackedTrial, stamp
from gibbsweep.track.uri import redact


@dataclass(frozen=True)
class SyncReport:
    """``runs``: trial runs in the store. ``pending``: spool lines, images, sounds, outcomes and files that are not
    there yet.

    ``error`` is "" if all went well, else what went wrong, and where.
    """

    runs: int
    metrics_sent: int
    images_sent: int
    artifacts_sent: int
    pending: int
    error: str = ""
    unreachable: bool = False
    """Whether the error is that nothing answers: the same call can succeed later."""


def trial_folders(sweep_dir: Path) -> list[Path]:
    """The trials of a sweep that have begun, by name."""
    trials = SweepFolder(sweep_dir).trials
    return [trials / name for name in trial_names(sweep_dir) if has_begun(trials, name)]


def trial_names(sweep_dir: Path) -> list[str]:
    """The folders of the trials, in order."""
    trials = SweepFolder(sweep_dir).trials
    return sorted(os.listdir(trials)) if trials.is_dir() else []


def has_begun(trials: Path, name: str) -> bool:
    return os.path.exists(f"{trials}/{name}/{CONFIG}")


def sweep_files(sweep_dir: Path) -> list[Path]:
    """The files that become artifacts of the sweep's own run: ``sweep.json`` and everything in ``results/``."""
    folder = SweepFolder(sweep_dir)
    files = [path for path in folder.results.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return [folder.record_path, *sorted(files)]


def tracked_runs(sweep_dir: Path, tracking_uri: str) -> int:
    """How many trials have a run in the store."""
    store = redact(tracking_uri)
    return sum(bool(TrackedTrial.load(trial, store).run_id) for trial in trial_folders(sweep_dir))


def pending(sweep_dir: Path, tracking_uri: str) -> int:
    """How much the store still lacks, counted from the files alone."""
    store = redact(tracking_uri)
    sweep = TrackedSweep.load(sweep_dir, store)
    left = sum(
        stamp(path) != sweep.artifacts.get(path.relative_to(sweep_dir).as_posix()) for path in sweep_files(sweep_dir)
    )
    return left + sum(_pending_in(trial, store) for trial in trial_folders(sweep_dir))


def _pending_in(trial: Path, store: str) -> int:
    state = TrackedTrial.load(trial, store)
    if state.deleted:
        return 0
    images = len(set(image_files(trial)) - set(state.images))
    outcome = stamp(RunFolder(trial).outcome) != state.outcome_stamp
    sounds = len(set(sound_files(trial)) - set(state.sounds))
    return count_lines(RunFolder(trial).spool, state.offset) + images + sounds + outcome
