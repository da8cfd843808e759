"""``gibbsweep rm``: a sweep or a single run, its folder and what MLflow has of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from gibbsweep.errors import UserError
from gibbsweep.option import OrDefault

if TYPE_CHECKING:
    from gibbsweep.tune.status.listing import Listed


@dataclass(frozen=True)
class RemoveOptions:
    """The options of ``gibbsweep rm``."""

    sweep: Positional[str]
    """Sweep, single run (train-STUDY:RUN), or the folder of one, as `gibbsweep list` names it."""
    yes: bool = False
    """Remove without asking."""
    keep_tracked: bool = False
    """Leave MLflow's runs and artifacts, and remove the folder alone."""
    tracking_uri: OrDefault[str] = None
    """MLflow server or store, where its password is needed (default: the one that the sweep was tracked at)."""
    runs: Path = Path("runs")
    """Folder of all sweeps."""


def remove(options: RemoveOptions) -> None:
    """Remove a sweep or a single run: its folder, and its runs and artifacts in MLflow."""
    from gibbsweep.cli.sweeps.listing import size_text
    from gibbsweep.track.remove import TrackedRuns, remove_tracked, tracked_runs
    from gibbsweep.track.stores.uri import redact

    folder, run = _named(options.sweep, options.runs)
    found = _what_it_is(folder, run, options.sweep)
    path = found[0].path if run else folder
    with _idle(found, folder, run):
        given = [uri for uri in (options.tracking_uri, os.environ.get("MLFLOW_TRACKING_URI")) if uri]
        with _or_alone():
            tracked = TrackedRuns("") if options.keep_tracked else tracked_runs(folder, run=run, given=given)
        in_store = f"{len(tracked.runs)} run{'' if len(tracked.runs) == 1 else 's'} in {redact(tracked.uri)}"
        what = f"{path} ({size_text(sum(one.size for one in found))})"
        what += f" and {in_store}" if tracked.runs else ""
        if not options.yes:
            _ask(what)
        with _or_alone():
            remove_tracked(tracked)
        _remove_folder(path)
    print(f"removed {what}")
    if tracked.runs and not tracked.purged:
        print("the server keeps their numbers as deleted runs until its operator calls `mlflow gc`")


@contextlib.contextmanager
def _or_alone() -> Iterator[None]:
    """A context in which an error of a store says that the folder can be removed without it."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{error}; --keep-tracked removes the folder alone.") from error


def _named(name: str, runs: Path) -> tuple[Path, str]:
    """The folder of the sweep, or of the study's single runs, and the single run in it, "" for all of it."""
    whole, colon, run = name.rpartition(":")
    if colon:
        folder = next((f for f in (runs / whole, Path(whole).expanduser()) if f.is_dir()), runs / whole)
        return folder, run
    path = Path(name).expanduser()
    path = runs / name if (runs / name).is_dir() else path
    if path.parent.name == "trials":
        return path.parent.parent, path.name
    return path, ""


def _what_it_is(folder: Path, run: str, name: str) -> list[Listed]:
    """The entries of the list that are to be removed. Raises UserError where there are none."""
    from gibbsweep.tune.folder.layout import is_sweep
    from gibbsweep.tune.status.listing import in_folder

    if not folder.is_dir():
        raise UserError(f"there is no sweep or run {name!r}: `gibbsweep list` names what there is.")
    if folder.is_symlink():
        raise UserError(f"{folder} is a link: remove what it points to, {folder.resolve()}.")
    if run and is_sweep(folder):
        raise UserError(f"{run} is a trial of sweep {folder.name!r}, whose table counts it: remove the whole sweep.")
    found = [one for one in in_folder(folder) if not run or one.path.name == run]
    if not found:
        raise UserError(f"{name!r} is neither a sweep nor a run: nothing was removed.")
    return found


@contextlib.contextmanager
def _idle(found: list[Listed], folder: Path, run: str) -> Iterator[None]:
    """A context in which nobody trains what was ``found``, and nobody sends it to a store. Raises UserError where
    somebody does."""
    from filelock import FileLock, Timeout

    from gibbsweep.folder import RunFolder
    from gibbsweep.track.mirror.sweep import sweep_lock
    from gibbsweep.tune.folder.driver import stop_command
    from gibbsweep.tune.folder.layout import SweepDir

    running = next((one for one in found if one.state == "running"), None)
    if running is not None:
        how = f"stop it first with: {stop_command(SweepDir(folder))}" if running.kind == "sweep" else "end it first"
        raise UserError(f"{running.name} is running: {how}; nothing was removed.")
    try:
        with contextlib.ExitStack() as locks:
            if run:
                locks.enter_context(FileLock(RunFolder(found[0].path).lock, timeout=1.0))
            else:
                locks.enter_context(FileLock(SweepDir(folder).driver_lock, timeout=1.0))
            locks.enter_context(sweep_lock(folder, wait_s=5.0))
            yield
    except Timeout as error:
        raise UserError(f"{folder} is being run or tracked by another process: nothing was removed.") from error
    except PermissionError as error:
        raise UserError(f"{folder} belongs to another user ({error.filename}): ask its owner to remove it.") from error


def _ask(what: str) -> None:
    """Ask a person in a terminal whether to remove it. Raises UserError without a terminal, SystemExit for a no."""
    if not sys.stdin.isatty():
        raise UserError(f"{what} would be removed: say so with --yes, as there is no terminal to ask in.")
    try:
        answer = input(f"remove {what}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        print("nothing was removed")
        raise SystemExit(1)


def _remove_folder(path: Path) -> None:
    """Remove the folder ``path``, its record first: a removal that is cut short leaves no sweep that looks whole."""
    from gibbsweep.folder import RunFolder, SweepFolder

    for record in (SweepFolder(path).record_path, RunFolder(path).config):
        record.unlink(missing_ok=True)
    try:
        shutil.rmtree(path)
    except PermissionError:
        raise
    except OSError as error:
        raise UserError(f"{path} was removed in part ({error}): call gibbsweep rm {path} again.") from error
