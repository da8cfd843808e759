"""The folder of one sweep: which files it has, what its runs are called, and which sweeps a folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import RAY, SWEEP


class SweepDir(SweepFolder):
    """``runs/SWEEP``: what :class:`~gibbsweep.folder.layout.SweepFolder` has, and what the sweep engine alone keeps there.

    For example::

        sweep = SweepDir(Path("runs/cd_k-1"))
        print(sweep.record()["question"])
    """

    @property
    def journal(self) -> Path:
        """Optuna's journal: what trials were asked for, and what became of them."""
        return self.path / "optuna.journal"

    @property
    def warm_start(self) -> Path:
        """The trials of an earlier sweep that this one learns from."""
        return self.path / "warm_start.json"

    @property
    def precision(self) -> Path:
        """The folder of what "auto" measured, a file for each contender."""
        return self.path / "precision"

    @property
    def memory(self) -> Path:
        """How much memory a run of each contender needs, as measured."""
        return self.path / "memory.json"

    @property
    def outline(self) -> Path:
        """What the sweep is going to do."""
        return self.path / "outline.json"

    @property
    def wall_seconds(self) -> Path:
        """The wall seconds of the sweep over all its parts."""
        return self.path / "wall_seconds.json"

    @property
    def driver(self) -> Path:
        """The process that drives the sweep, or drove it last."""
        return self.path / "driver.json"

    @property
    def driver_lock(self) -> Path:
        """Held by the one process that drives the sweep."""
        return self.path / "driver.lock"

    @property
    def stop_request(self) -> Path:
        """Asks the driver to stop, as long as it is there."""
        return self.path / "stop.json"

    @property
    def ray(self) -> Path:
        """What Ray Tune leaves of the sweep."""
        return self.path / RAY

    def record(self) -> dict[str, Any]:
        """What was asked of the sweep, as :mod:`gibbsweep.tune.setup.create` recorded it."""
        record: dict[str, Any] = json.loads(self.record_path.read_text())
        return record


def find(runs: Path, name: str) -> SweepDir:
    """The sweep of that name; UserError, with the names that there are, if there is none."""
    sweep = SweepDir(runs / name)
    if not name or not is_sweep(sweep.path):
        raise UserError(f"there is no sweep {name!r}: {held(runs)}")
    return sweep


def search_name(contender: str, number: int) -> str:
    return f"{contender}-{number:04d}"


_NAMED = 10


def is_sweep(folder: Path) -> bool:
    """Not so is the folder of a study's single runs, whose record has no options."""
    record = SweepFolder(folder).record_path
    return record.exists() and "options" in json.loads(record.read_text())


def held(runs: Path) -> str:
    """``runs`` holds ...: the latest first, as a folder of a year's sweeps holds too many to print."""
    latest = sorted(runs.glob(f"*/{SWEEP}"), key=lambda path: path.stat().st_mtime, reverse=True)
    known = [path.parent.name for path in latest if is_sweep(path.parent)]
    if not known:
        return f"{runs} holds none yet."
    more = f" and {len(known) - _NAMED} older ones" if len(known) > _NAMED else ""
    return f"{runs} holds {', '.join(known[:_NAMED])}{more}."
