"""Runs that the scheduler stopped at a report: their outcomes, also where a kill came between the verdict and the outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gibbsweep.folder import Outcome, OutcomeKind, only_process, read_restarts, spent
from gibbsweep.study.goal import Goal
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.record import Record

if TYPE_CHECKING:
    from gibbsweep.tune.folder.layout import SweepDir
    from gibbsweep.tune.search.search import Search


def stopped_outcome(
    verdict: Literal["prune", "diverge"], step: int, goals: Sequence[Goal], values: Sequence[float], run_dir: Path
) -> Outcome:
    """Of the run in ``run_dir``, whose report of ``values`` after ``step`` updates met with ``verdict``."""
    told = {goal.metric: value for goal, value in zip(goals, values, strict=True)}
    kind: OutcomeKind = "pruned" if verdict == "prune" else "diverged"
    why = (
        f"worse than its peers after {step} updates"
        if verdict == "prune"
        else f"{', '.join(f'{k} is {v}' for k, v in told.items() if not math.isfinite(v))} after {step} updates"
    )
    return Outcome(kind, step, told, message=why, restarts=tuple(read_restarts(run_dir)), **spent(run_dir))


def stopped(records: Sequence[Record]) -> list[tuple[Record, int]]:
    """Those that are running though they were to be pruned after so many updates: a kill kept them from their end."""
    found = [(record, record.pruned_after) for record in records if record.state == "running"]
    return [(record, step) for record, step in found if step is not None]


def stands(record: Record, step: int, goals: Sequence[Goal], run_dir: Path) -> Outcome:
    """The outcome of the trial ``record``, which was to be pruned after ``step`` updates. The verdict stands, whatever a trial that
    outlived its driver has done since."""
    outcome = Outcome.read(run_dir)
    if outcome is None or outcome.kind != "pruned":
        return stopped_outcome("prune", step, goals, record.reports[step], run_dir)
    return outcome


def end_stopped(search: Search, sweep: SweepDir) -> None:
    """End the trials of ``search`` that were to be pruned when a kill came before their outcome was written, or before the journal had
    heard of it."""
    for record, step in stopped(search.records):
        run_dir = sweep.trial(search_name(search.contender.name, record.number))
        with only_process(run_dir):  # of an earlier driver's, it may still be ending
            outcome = stands(record, step, search.goals, run_dir)
            outcome.write(run_dir)
        search.tell(record.number, outcome)
