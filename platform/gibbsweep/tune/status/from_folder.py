"""The overview of a sweep from its folder alone. Nothing is written there, and the sweep's driver notices nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from gibbsweep.folder import Outcome, RunFolder, last_record
from gibbsweep.tune.folder.driver import is_driven
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record, record_of
from gibbsweep.tune.plan.outline import Outline, read_outline
from gibbsweep.tune.plan.stopped import prune_outcome, unfinished_prunes
from gibbsweep.tune.status.overview import LastReport, Overview, overview_of


@dataclass(frozen=True)
class FolderOverview:
    """The state of a sweep as its folder shows it: ``overview_from_folder(SweepDir(Path("runs/cd_k-1")))``."""

    overview: Overview
    """The state of its runs."""
    wall: float
    """Wall seconds over all parts of the sweep."""
    driven: bool
    """Whether a process drives it."""
    interrupted: int
    """Runs that a resume would continue; 0 while the sweep is driven."""


def overview_from_folder(sweep: SweepDir) -> FolderOverview:
    """Read the state of ``sweep`` from its folder.

    An outcome in a run's folder counts more than the journal, which is written later. A verdict to prune that is in the
    journal counts more than both, as it will on resume."""
    outlines, has_driver = read_outline(sweep), is_driven(sweep)
    records = read_records(sweep, outlines)
    trials = {search_name(name, record.number): record for name, of_name in records.items() for record in of_name}
    runs = list(trials)
    runs += [run for outline in outlines.values() for run in outline.retrainings if sweep.trial(run).exists()]
    lost = {run for run, record in trials.items() if record.state == "lost"}
    waiting = {run for run, record in trials.items() if record.state == "paused"}
    ended = {run: outcome for run in runs if (outcome := Outcome.read(sweep.trial(run))) is not None}
    outcomes = {run: outcome for run, outcome in ended.items() if run not in lost}
    for name, of_name in records.items():
        for record, step in unfinished_prunes(of_name):
            run = search_name(name, record.number)
            outcomes[run] = prune_outcome(record, step, outlines[name].goals, sweep.trial(run))
    unfinished = [run for run in runs if run not in outcomes]
    last_reports = {run: report for run in unfinished if (report := last_report(sweep.trial(run))) is not None}
    open_runs = {run for run in unfinished if run not in waiting | lost}
    return FolderOverview(
        overview_of(outlines, records, outcomes, last_reports, open_runs if has_driver else ()),
        _wall(sweep, has_driver),
        has_driver,
        0 if has_driver else len(open_runs),
    )


def read_records(sweep: SweepDir, outlines: Mapping[str, Outline]) -> dict[str, list[Record]]:
    """The trials of each contender, as the journal has them."""
    records: dict[str, list[Record]] = {name: [] for name in outlines}
    if not sweep.journal.exists():  # Optuna would create it
        return records
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    for study in storage.get_all_studies():
        if study.study_name in records:
            rungs = outlines[study.study_name].rungs
            trials = storage.get_all_trials(study._study_id, deepcopy=False)
            records[study.study_name] = [record_of(number, trial, rungs) for number, trial in enumerate(trials)]
    return records


def last_report(run_dir: Path) -> LastReport | None:
    """The last report of the run in ``run_dir``; None without one."""
    record = last_record(RunFolder(run_dir).spool)
    return None if record is None else LastReport.of(record.step, record.metrics)


def _wall(sweep: SweepDir, has_driver: bool) -> float:
    """Wall seconds of ``sweep``, up to now if it has a driver."""
    path = sweep.wall_seconds
    try:
        record = json.loads(path.read_text())
        since = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    return float(record["wall_seconds"]) + (max(0.0, since) if has_driver else 0.0)
