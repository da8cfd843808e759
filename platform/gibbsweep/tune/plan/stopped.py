"""The outcomes of runs that the scheduler stopped at a report, even if a kill came between the verdict and the
outcome."""

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
    """The outcome of the run in ``run_dir``, on whose report of ``values`` after ``step`` updates the scheduler gave
    ``verdict``."""
    metrics = {goal.metric: value for goal, value in zip(goals, values, strict=True)}
    kind: OutcomeKind = "pruned" if verdict == "prune" else "diverged"
    why = (
        f"worse than its peers after {step} updates"
        if verdict == "prune"
        else f"{', '.join(f'{k} is {v}' for k, v in metrics.items() if not math.isfinite(v))} after {step} updates"
    )
    return Outcome(kind, step, metrics, message=why, restarts=tuple(read_restarts(run_dir)), **spent(run_dir))


def unfinished_prunes(records: Sequence[Record]) -> list[tuple[Record, int]]:
    """The ``records`` that are still running although a verdict was to prune them, with the updates of that verdict. A
    kill came before they ended."""
    verdicts = [(record, record.pruned_after) for record in records if record.state == "running"]
    return [(record, step) for record, step in verdicts if step is not None]


def prune_outcome(record: Record, step: int, goals: Sequence[Goal], run_dir: Path) -> Outcome:
    """The outcome of the trial ``record``, which was to be pruned after ``step`` updates. The verdict counts, whatever
    a trial that outlived its driver has done since."""
    outcome = Outcome.read(run_dir)
    if outcome is None or outcome.kind != "pruned":
        return stopped_outcome("prune", step, goals, record.reports[step], run_dir)
    return outcome


def end_stopped(search: Search, sweep: SweepDir) -> None:
    """End the trials of ``search`` that were to be pruned when a kill came before their outcome was written to the run
    folder or to the journal."""
    for record, step in unfinished_prunes(search.records):
        run_dir = sweep.trial(search_name(search.contender.name, record.number))
        with only_process(run_dir):  # a process of an earlier driver may still be ending
            outcome = prune_outcome(record, step, search.goals, run_dir)
            outcome.write(run_dir)
        search.tell(record.number, outcome)
