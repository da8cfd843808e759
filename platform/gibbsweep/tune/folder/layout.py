"""The folder of one sweep: its files, the names of its runs, and the sweeps that stand beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import SweepFolder
from gibbsweep.folder.layout import RAY, SWEEP


class SweepDir(SweepFolder):
    """The folder ``runs/SWEEP`` of a sweep: ``SweepDir(Path("runs/cd_k-1")).trial("rbm-0003")``.

    Beside what :class:`~gibbsweep.folder.layout.SweepFolder` has, it holds what the sweep engine alone reads.
    """

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
    def memory(self) -> Path:
        """The file with the memory that a run of each contender needs, as measured."""
        return self.path / "memory.json"

    @property
    def outline(self) -> Path:
        """The file that says what the sweep is going to do."""
        return self.path / "outline.json"

    @property
    def wall_seconds(self) -> Path:
        """The file with the wall seconds of all parts of the sweep."""
        return self.path / "wall_seconds.json"

    @property
    def driver(self) -> Path:
        """The file that names the process that drives the sweep, or drove it last."""
        return self.path / "driver.json"

    @property
    def driver_lock(self) -> Path:
        """Held by the one process that drives the sweep."""
        return self.path / "driver.lock"

    @property
    def session(self) -> Path:
        """The file by which a trial knows that its folder is the driver's (``on_ray/same_folder.py``)."""
        return self.path / "session.json"

    @property
    def stop_request(self) -> Path:
        """The file that asks the driver to stop, as long as it is there."""
        return self.path / "stop.json"

    @property
    def has_table(self) -> bool:
        """Whether the sweep has come to its end: its table is written."""
        return any(self.results.glob("*.json"))

    def results_of(self, trials: int) -> Path:
        """The folder of the tables and figures that the sweep had with so many ``trials``, before it was extended."""
        return self.path / f"results-of-{trials}-trials"

    @property
    def ray(self) -> Path:
        """The folder of what Ray Tune leaves."""
        return self.path / RAY

    def record(self) -> dict[str, Any]:
        """The content of sweep.json: what the sweep was asked for."""
        record: dict[str, Any] = json.loads(self.record_path.read_text())
        return record


def find_sweep(runs: Path, name: str) -> SweepDir:
    """The sweep ``name`` in the folder ``runs``; UserError, with the names of the sweeps there, if there is none."""
    sweep = SweepDir(runs / name)
    if not name or not is_sweep(sweep.path):
        why = why_unreadable(sweep) if name else ""
        if why:
            raise UserError(
                f"the record of sweep {name!r} cannot be read ({why}): repair or remove {sweep.path}; "
                f"{sweeps_message(runs)}"
            )
        raise UserError(f"there is no sweep {name!r}: {sweeps_message(runs)}")
    return sweep


def search_name(contender: str, number: int) -> str:
    """The name of the run of search trial ``number``."""
    return f"{contender}-{number:04d}"


_NAMED = 10  # sweeps that an error lists


def is_sweep(folder: Path) -> bool:
    """Whether ``folder`` is a sweep's. The folder of a study's single runs is not, as its record has no options, nor is
    one whose record cannot be read."""
    try:
        record = SweepDir(folder).record()
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and "options" in record


def why_unreadable(sweep: SweepDir) -> str:
    """Why the record of a folder cannot be read; "" if it has none, or one that is no sweep's."""
    try:
        record: object = sweep.record()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"{error.strerror}: {sweep.record_path}"
    except ValueError as error:
        return f"{sweep.record_path} is not JSON: {error}"
    return "" if isinstance(record, dict) else f"{sweep.record_path} holds a {type(record).__name__}"


def sweeps_message(runs: Path) -> str:
    """A sentence that names the latest sweeps in ``runs``, as a folder may hold too many to name all."""
    folders = [path.parent for path in _records(runs) if is_sweep(path.parent)]
    names = [folder.name for folder in sorted(folders, key=_begun, reverse=True)]
    if not names:
        return f"{runs} holds none yet."
    older = f" and {len(names) - _NAMED} older ones" if len(names) > _NAMED else ""
    return f"{runs} holds {', '.join(names[:_NAMED])}{older}."


def _records(runs: Path) -> list[Path]:
    """The records below ``runs``, as far as its folders may be read."""
    try:
        return list(runs.glob(f"*/{SWEEP}"))
    except OSError:
        return []


def _begun(folder: Path) -> float:
    try:
        return SweepFolder(folder).record_path.stat().st_mtime
    except OSError:  # removed since it was listed
        return 0.0
