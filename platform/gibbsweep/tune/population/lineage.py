"""The history of a trial's weights: in a population a trial may have gone on from another one's checkpoint, which may
have a donor of its own."""

from __future__ import annotations

import statistics
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from gibbsweep.run.schedule import schedule_as_json
from gibbsweep.train import Segment
from gibbsweep.tune.folder.layout import search_name

if TYPE_CHECKING:
    from gibbsweep.tune.journal.record import Record


def lineage(records: Sequence[Record], number: int, before: float = float("inf")) -> list[tuple[int, int]]:
    """The trials that trained the weights that trial ``number`` has before ``before`` updates, as (trial, updates from
    which its training counts), the first from 0."""
    copy = next((c for c in reversed(records[number].copies) if c.step < before), None)
    if copy is None:
        return [(number, 0)]
    return [*lineage(records, copy.donor, copy.step), (number, copy.step)]


def schedule_of(records: Sequence[Record], number: int, before: float = float("inf")) -> tuple[Segment, ...]:
    """The values by updates with which those weights were trained, as segments with their random streams. The first
    segment draws from the run's seed as any trial does. A segment after a copy has its own stream; otherwise donor and
    copy would see the same noise."""
    segments = []
    for trial, start in lineage(records, number, before):
        values = (
            records[trial].initial_values
            if start == 0
            else next(c.values for c in records[trial].copies if c.step == start)
        )
        segments.append(Segment(start, values, (trial, start) if start else ()))
    return tuple(segments)


def schedule_with_trials(
    records: Sequence[Record], number: int, paths: Container[str], search: str
) -> list[dict[str, Any]]:
    """The schedule of a trial of ``search``, as the results have it."""
    parts = schedule_as_json(schedule_of(records, number), paths)
    trials = [search_name(search, trial) for trial, _ in lineage(records, number)]
    return [{**part, "trial": trial} for part, trial in zip(parts, trials, strict=True)]


def median_report(
    records: Sequence[Record], number: int, step: int, window: int
) -> tuple[float, dict[str, float]] | None:
    """The median of the last ``window`` reported values of the weights that trial ``number`` has after ``step``
    updates, including the reports of its donors, and the violations at the last report. None without a report at
    ``step``."""
    if step not in records[number].reports:
        return None
    values: list[float] = []
    end = step
    for trial, start in reversed(lineage(records, number, step)):
        reports = records[trial].reports
        values += [reports[at][0] for at in sorted(reports, reverse=True) if start < at <= end]
        end = start
    return statistics.median(values[:window]), records[number].violations.get(step, {})
