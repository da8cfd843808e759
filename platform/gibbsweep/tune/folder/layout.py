"""The folder of one sweep: its files, the names of its runs, and the sweeps that stand beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError


class SweepDir:
    """The folder ``runs/SWEEP`` of a sweep: ``SweepDir(Path("runs/cd_k-1")).trial("rbm-0003")``.

    It holds sweep.json, warm_start.json (with ``--from``), optuna.journal, precision/, trials/ and results/.
    """

    path: Path
    """The folder itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The sweep's name."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The file in which the trials of all searches are recorded."""
        return self.path / "optuna.journal"

    @property
    def warm_start(self) -> Path:
        """The file with the trials of the earlier sweep, if the sweep has one (``--from``)."""
        return self.path / "warm_start.json"

    @property
    def precision(self) -> Path:
        """The folder of what ``--precision auto`` has measured."""
        return self.path / "precision"

    @property
    def results(self) -> Path:
        """The folder of the sweep's table."""
        return self.path / "results"

    def trial(self, name: str) -> Path:
        """The folder of run ``name``."""
        return self.path / "trials" / name

    def record(self) -> dict[str, Any]:
        """The content of sweep.json: what the sweep was asked for."""
        record: dict[str, Any] = json.loads((self.path / "sweep.json").read_text())
        return record


def find_sweep(runs: Path, name: str) -> SweepDir:
    """The sweep ``name`` in the folder ``runs``; UserError, with the names of the sweeps there, if there is none."""
    sweep = SweepDir(runs / name)
    if not name or not is_sweep(sweep.path):
        raise UserError(f"there is no sweep {name!r}: {sweeps_message(runs)}")
    return sweep


def search_name(contender: str, number: int) -> str:
    """The name of the run of search trial ``number``."""
    return f"{contender}-{number:04d}"


_NAMED = 10  # sweeps that an error lists


def is_sweep(folder: Path) -> bool:
    """Whether ``folder`` is a sweep's. The folder of a study's single runs is not: its record has no options."""
    record = folder / "sweep.json"
    return record.exists() and "options" in json.loads(record.read_text())


def sweeps_message(runs: Path) -> str:
    """A sentence that names the latest sweeps in ``runs``, as a folder may hold too many to name all."""
    records = sorted(runs.glob("*/sweep.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    names = [path.parent.name for path in records if is_sweep(path.parent)]
    if not names:
        return f"{runs} holds none yet."
    older = f" and {len(names) - _NAMED} older ones" if len(names) > _NAMED else ""
    return f"{runs} holds {', '.join(names[:_NAMED])}{older}."
