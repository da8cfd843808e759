"""A sweep as its folder shows it, to anyone who may read it: nothing is written, and its driver notices nothing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from gibbsweep.train import Outcome
from gibbsweep.tune.folder.driver import driven
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.record import Record, recorded
from gibbsweep.tune.plan.outline import Outline, read_outline
from gibbsweep.tune.plan.stopped import stands, stopped
from gibbsweep.tune.status.overview import Overview, Underway, overview

_TAIL = 1 << 16  # a report is a line of some hundred bytes


@dataclass(frozen=True)
class FolderView:
    """``wall``: seconds over all parts of the sweep; ``interrupted``: runs that are to be continued by a resume."""

    overview: Overview
    wall: float
    driven: bool
    interrupted: int


def look(sweep: SweepDir) -> FolderView:
    """Outcomes win over the journal, which hears of them last; a verdict that is in the journal wins over both, as it will on resume."""
    outlines, is_driven = read_outline(sweep), driven(sweep)
    records = _records(sweep, outlines)
    runs = [search_name(name, record.number) for name, found in records.items() for record in found]
    runs += [run for one in outlines.values() for run in one.retrainings if sweep.trial(run).exists()]
    lost = {search_name(n, r.number) for n, found in records.items() for r in found if r.state == "lost"}
    ended = {run: outcome for run in runs if (outcome := Outcome.read(sweep.trial(run))) is not None}
    outcomes = {run: outcome for run, outcome in ended.items() if run not in lost}
    for name, found in records.items():
        for record, step in stopped(found):
            run = search_name(name, record.number)
            outcomes[run] = stands(record, step, outlines[name].goals, sweep.trial(run))
    underway = {run: at for run in runs if run not in outcomes and (at := last_report(sweep.trial(run))) is not None}
    waiting = {search_name(n, r.number) for n, found in records.items() for r in found if r.state == "paused"}
    open_runs = {run for run in runs if run not in outcomes and run not in waiting | lost}
    return FolderView(
        overview(outlines, records, outcomes, underway, open_runs if is_driven else ()),
        _wall(sweep, is_driven),
        is_driven,
        0 if is_driven else len(open_runs),
    )


def _records(sweep: SweepDir, outlines: dict[str, Outline]) -> dict[str, list[Record]]:
    records: dict[str, list[Record]] = {name: [] for name in outlines}
    if not sweep.journal.exists():  # Optuna would make one
        return records
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    for study in storage.get_all_studies():
        if study.study_name in records:
            rungs = outlines[study.study_name].rungs
            trials = storage.get_all_trials(study._study_id, deepcopy=False)
            records[study.study_name] = [recorded(number, trial, rungs) for number, trial in enumerate(trials)]
    return records


def last_report(run_dir: Path) -> Underway | None:
    """The last whole line of a run's spool; only its end is read."""
    path = run_dir / "metrics.jsonl"
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read().split(b"\n")[:-1]  # what follows the last newline is being written
    except FileNotFoundError:
        return None
    if not lines:
        return None
    record: dict[str, Any] = json.loads(lines[-1])
    return Underway.of(record["step"], record["metrics"])


def _wall(sweep: SweepDir, is_driven: bool) -> float:
    path = sweep.path / "wall_seconds.json"
    try:
        record = json.loads(path.read_text())
        since = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    seconds = float(record["wall_seconds"] if isinstance(record, dict) else record)
    return seconds + (max(0.0, since) if is_driven else 0.0)
