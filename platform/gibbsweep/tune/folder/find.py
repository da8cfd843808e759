"""What a person names on a command line: a sweep, a run of a sweep, a single run, and the script that they are of."""

from __future__ import annotations

import shlex
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.folder import RunFolder, SweepFolder
from gibbsweep.folder.whole import read_json_object
from gibbsweep.tune.folder.driver import Driver
from gibbsweep.tune.folder.layout import SweepDir, find_sweep, is_sweep

SCRIPT = "script"
"""In the record of a study's single runs: the path of the study script that trained the first of them. In that of a
sweep: the script's name and commit."""
KEPT = "script"
"""In a sweep's folder: the folder of its script's copy."""


def sweep_named(name: str, runs: Path) -> SweepDir:
    """The sweep of that ``name`` in the folder ``runs``, or in the folder of that path. Raises UserError, with the
    names of the sweeps there, if there is none."""
    path = Path(name)
    if len(path.parts) > 1 or path.is_absolute() or not (runs / name).exists():
        folder = path.expanduser()
        if is_sweep(folder):
            return SweepDir(folder)
        if len(path.parts) > 1:
            return find_sweep(folder.parent, folder.name)
    return find_sweep(runs, name)


def run_named(name: str, runs: Path) -> Path:
    """The folder of the run ``name``: a path, ``SWEEP:RUN``, or the path below the folder ``runs``. Raises UserError,
    with the names of the runs there, if there is none."""
    sweep_name, colon, run = name.rpartition(":")
    if colon:
        folder = next((f for f in (runs / sweep_name, Path(sweep_name).expanduser()) if f.is_dir()), None)
        if folder is None:
            raise UserError(f"there is no sweep {sweep_name!r} in {runs}: `gibbsweep list` names what there is.")
        found = SweepFolder(folder).trial(run)
        if not RunFolder(found).config.exists():
            raise UserError(f"sweep {folder.name!r} has no run {run!r} that has begun: it has {_runs_of(folder)}.")
        return found
    candidates = [Path(name).expanduser(), runs / name]
    for path in candidates:
        if RunFolder(path).config.exists():
            return path
    folder = next((path for path in candidates if SweepFolder(path).trials.is_dir()), None)
    if folder is not None:
        raise UserError(f"{folder} holds many runs: name one, {folder.name}:RUN, of {_runs_of(folder)}.")
    raise UserError(
        f"{name} is no run: name SWEEP:RUN, or a folder such as {runs}/SWEEP/trials/RUN; `gibbsweep list {runs}` names "
        "what there is."
    )


def script_of(run_dir: Path) -> Path:
    """The study script that the run in ``run_dir`` is of, by the record of its sweep or by the command that drove it.
    Raises UserError where neither says it."""
    sweep = SweepDir(RunFolder(run_dir).sweep.path)
    named = read_json_object(sweep.record_path).get(SCRIPT) if sweep.record_path.exists() else None
    driver = Driver.read(sweep)
    if not isinstance(named, str):  # a sweep's record has what is known of the script's commit there
        words = [] if driver is None or driver.command.endswith("])") else shlex.split(driver.command)
        folder = Path() if driver is None else Path(driver.folder)
        named = next((str(folder / word) for word in words if word.endswith(".py")), None)
    if named is None or not Path(named).is_file():
        why = "is not on record" if named is None else f"{named} is gone"
        kept = sorted((sweep.path / KEPT).glob("*.py"))
        copy = f" (as it was: {kept[0]})" if kept else ""
        raise UserError(
            f"the study script of {run_dir.name} {why}{copy}: name it, SCRIPT.py:CONTENDER, beside the run."
        )
    return Path(named)


_NAMED = 12


def _runs_of(folder: Path) -> str:
    names = sorted(path.name for path in SweepFolder(folder).trials.iterdir()) if folder.is_dir() else []
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}" if names else "none yet"
