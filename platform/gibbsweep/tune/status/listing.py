"""What a folder of runs holds: its sweeps, its single runs, and what is left of those that were never whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, SweepFolder
from gibbsweep.folder.layout import CONFIG, SWEEP
from gibbsweep.folder.whole import read_json_object
from gibbsweep.results.answer import heading_of, measured_goals, ranked
from gibbsweep.results.results import Results
from gibbsweep.study.headings import HEADINGS
from gibbsweep.tune.folder.driver import is_driven, is_locked
from gibbsweep.tune.folder.layout import SweepDir, is_sweep, why_unreadable

NO_RUNS = ("mlartifacts", "mlruns")
"""Folders beside the sweeps that tracking makes."""


@dataclass(frozen=True)
class Listed:
    """A sweep, a single run, or a folder that is neither: ``listed(Path("runs"))[0].state``."""

    name: str
    """What it is called on a command line: ``cd_k-1``, and ``train-cd_k:rbm`` for a single run."""
    path: Path
    """Its folder."""
    kind: str
    """``sweep``, ``run``, or ``folder`` where it has no record that can be read."""
    state: str
    """``running``; ``stopped``, which can be continued; ``finished``; ``diverged`` or ``failed``, of a run;
    ``broken``."""
    created: float
    """Unix time at which it was begun."""
    study: str = ""
    """Its study."""
    data: str = ""
    """Its data set, or the view of it."""
    budget: str = ""
    """The name of its budget; of a single run, its updates."""
    runs: tuple[int, int] | None = None
    """Runs of a sweep that have ended, and all of them; None where it has planned none."""
    best: float | None = None
    """Its best number; None where it has none yet."""
    metric: str = ""
    """What ``best`` is."""
    size: int = 0
    """Bytes that it takes on the disk."""
    why: str = ""
    """Why it is broken, in words."""

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        return {**vars(self), "path": str(self.path), "runs": None if self.runs is None else list(self.runs)}


def listed(runs: Path) -> list[Listed]:
    """Everything in the folder ``runs``, the newest first. Raises UserError where it is no folder of runs."""
    if (runs / SWEEP).exists():
        raise UserError(f"{runs} is itself a sweep's folder: list {runs.parent}, or look at it with gibbsweep status.")
    try:
        folders = [path for path in runs.iterdir() if path.is_dir()]
    except OSError as error:
        raise UserError(
            f"{runs} cannot be listed ({error.strerror}): name a folder of runs, for example gibbsweep list runs."
        ) from error
    found = [one for folder in folders for one in in_folder(folder)]
    return sorted(found, key=lambda one: (-one.created, one.name))


def in_folder(folder: Path) -> Iterator[Listed]:
    """What one ``folder`` of a folder of runs is: a sweep, single runs, or what is left of one; nothing where it is
    something else."""
    if folder.name.startswith(".") or folder.name in NO_RUNS:
        return
    try:
        if is_sweep(folder):
            yield _sweep(SweepDir(folder))
        elif why := why_unreadable(SweepDir(folder)):
            yield _broken(folder, folder.name, f"its record cannot be read: {why}")
        elif (folder / SWEEP).exists():
            yield from _single_runs(folder)
        elif not any(folder.iterdir()) or SweepDir(folder).driver_lock.exists() or SweepDir(folder).trials.exists():
            yield _broken(folder, folder.name, f"it has no {SWEEP}: its start, or its removal, was cut short")
    except OSError as error:
        yield _broken(folder, folder.name, f"it cannot be read: {error.strerror}")


def _broken(path: Path, name: str, why: str) -> Listed:
    return Listed(name, path, "folder", "broken", _began(path), size=_size(path), why=why)


def _sweep(sweep: SweepDir) -> Listed:
    record = sweep.record()
    driven = is_driven(sweep)
    state = "running" if driven else "finished" if sweep.has_table else "stopped"
    one = Listed(
        sweep.name, sweep.path, "sweep", state, float(record.get("created") or _began(sweep.path)),
        str(record.get("study", "")), str(record.get("data", "")), str(record.get("budget", "")),
        size=_size(sweep.path),
    )  # fmt: skip
    try:
        return _with_table(one, sweep) if state == "finished" else _with_overview(one, sweep)
    except (UserError, ValueError, KeyError, TypeError) as error:
        return replace(one, state="running" if driven else "broken", why=f"its files cannot be read: {error}")


def _with_table(one: Listed, sweep: SweepDir) -> Listed:
    """``one`` with the best number of its table."""
    results = Results.from_json(min(sweep.results.glob("*.json")).read_text())
    goals = measured_goals(results)
    if not goals:  # a table of an earlier version
        return _with_overview(one, sweep)
    best = ranked(results.rows, *goals[0])
    if not best:
        return one
    return replace(one, best=best[0].metrics[goals[0][0]].mean, metric=heading_of(results, goals[0][0]))


def _with_overview(one: Listed, sweep: SweepDir) -> Listed:
    """``one`` with the best number of its trials so far, and how many runs have ended."""
    if not sweep.outline.exists():  # it was stopped before its first trial
        return one
    from gibbsweep.tune.status.from_folder import overview_from_folder

    overview = overview_from_folder(sweep).overview
    bests = [
        (contender.outline.goals[0].loss(contender.best.value), contender.outline.goals[0].metric, contender.best.value)
        for contender in overview.contenders
        if contender.best is not None
    ]
    one = replace(one, runs=(overview.done, overview.runs))
    if not bests:
        return one
    alike = [best for best in bests if best[1] == bests[0][1]]
    _, metric, value = min(alike)
    return replace(one, best=value, metric=_heading(metric))


def _single_runs(folder: Path) -> Iterator[Listed]:
    """The runs of ``gibbsweep train`` in ``folder``."""
    record = read_json_object(folder / SWEEP)
    trials = SweepFolder(folder).trials
    for path in sorted(trials.iterdir()) if trials.is_dir() else ():
        if path.is_dir():
            yield _single_run(path, f"{folder.name}:{path.name}", str(record.get("study", "")))


def _single_run(path: Path, name: str, study: str) -> Listed:
    run = RunFolder(path)
    running = is_locked(run.lock)
    if not run.config.exists():
        if running:
            return Listed(name, path, "run", "running", _began(path), study, size=_size(path))
        return _broken(path, name, f"it has no {CONFIG}: it ended before its first update")
    try:
        config, outcome = read_json_object(run.config), Outcome.read(path)
    except UserError as error:
        return _broken(path, name, str(error))
    ended = "" if outcome is None else "finished" if outcome.kind == "completed" else outcome.kind
    one = Listed(
        name, path, "run", ended or ("running" if running else "stopped"), run.config.stat().st_mtime, study,
        str(config.get("data", {}).get("name", "")), str(config.get("budget", {}).get("updates", "")),
        size=_size(path),
    )  # fmt: skip
    metrics = {} if outcome is None else outcome.metrics
    goal = next((key.removeprefix("peak/") for key in metrics if key.startswith("peak/")), "")
    on_test = f"test/{goal.removeprefix('validation/')}"
    shown = on_test if on_test in metrics else goal
    return replace(one, best=metrics[shown], metric=_heading(shown)) if shown in metrics else one


def _heading(metric: str) -> str:
    """What a table usually calls ``metric``."""
    short = metric.rpartition("/")[2]
    return HEADINGS.get(short, short)


def _began(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # removed since it was listed
        return 0.0


def _size(folder: Path) -> int:
    """The bytes of all files below ``folder``, as far as they may be read."""
    total, waiting = 0, [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:  # of another user, or gone
            continue
    return total
