"""From what a person types to the folder of a sweep."""

from __future__ import annotations

import shlex
from pathlib import Path

from gibbsweep.errors import UserError
from gibbsweep.folder.layout import SWEEP
from gibbsweep.tune.folder.driver import Driver
from gibbsweep.tune.folder.layout import SweepDir, find_sweep, is_sweep, why_unreadable

RUNS = Path("runs")
"""The folder of all sweeps, unless another one is named."""


def sweep_at(sweep: Path | str, runs: Path = RUNS) -> SweepDir:
    """The sweep in the folder ``sweep``, or of that name in the folder ``runs``. Raises UserError where there is
    none."""
    folder = SweepDir(Path(sweep))
    if is_sweep(folder.path):
        return folder
    if folder.record_path.exists():
        why = why_unreadable(folder)
        raise UserError(
            f"the record of {folder.path} cannot be read ({why}): repair or remove it."
            if why
            else f"{folder.path} holds single runs and no sweep: name one of its runs, such as "
            f"{folder.trials}/RUN, to commands that take a run."
        )
    if folder.path.is_dir() and len(folder.path.parts) > 1:
        raise UserError(f"{folder.path} is no sweep's folder: expected one with {SWEEP}, such as runs/NAME.")
    return find_sweep(runs, str(sweep))


def study_script(sweep: SweepDir) -> Path | None:
    """The script that ran ``sweep``, as its folder has it, from the folder that this process is in; None where that is
    not known, or the script is gone. It is proposed to a person and never imported by itself: a file must not choose
    which code runs."""
    driver = Driver.read(sweep)
    if driver is None or driver.command.endswith("])"):
        return None
    words = [word for word in shlex.split(driver.command) if word.endswith(".py")][:1]
    for script in (Path(driver.folder) / word for word in words):
        if script.is_file():
            here = Path.cwd()
            return script.relative_to(here) if script.is_relative_to(here) else script
    return None
