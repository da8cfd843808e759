"""The folder of one sweep: which files it has, what its runs are called, and which sweeps a folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError


class SweepDir:
    """``runs/SWEEP``: sweep.json, warm_start.json with --from, optuna.journal, precision/, trials/, results/."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        return self.path / "optuna.journal"

    @property
    def warm_start(self) -> Path:
        return self.path / "warm_start.json"

    @property
    def precision(self) -> Path:
        return self.path / "precision"

    @property
    def results(self) -> Path:
        return self.path / "results"

    def trial(self, name: str) -> Path:
        return self.path / "trials" / name

    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.path / "sweep.json").read_text())
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
    record = folder / "sweep.json"
    return record.exists() and "options" in json.loads(record.read_text())


def held(runs: Path) -> str:
    """``runs`` holds ...: the latest first, as a folder of a year's sweeps holds too many to print."""
    latest = sorted(runs.glob("*/sweep.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    known = [path.parent.name for path in latest if is_sweep(path.parent)]
    if not known:
        return f"{runs} holds none yet."
    more = f" and {len(known) - _NAMED} older ones" if len(known) > _NAMED else ""
    return f"{runs} holds {', '.join(known[:_NAMED])}{more}."
