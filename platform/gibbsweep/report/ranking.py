"""Which row is better: by the metric of the table that measures the goal, or by the goal itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gibbsweep.report.evidence import Evidence
from gibbsweep.report.run import Run
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.study.goal import Goal


@dataclass(frozen=True)
class Quality:
    """What rows are ranked by."""

    goal: Goal
    metric: str
    """The goal's metric on the test split where rows have it, else the goal's own."""
    heading: str
    """Its name in words."""


def quality(evidence: Evidence) -> Quality | None:
    """What the rows of ``evidence`` are ranked by: its first goal. None where no goal is on record."""
    goal = evidence.first_goal()
    if goal is None:
        return None
    measured = {metric for row in evidence.rows for metric in row.metrics}
    columns = evidence.results.columns if evidence.results is not None else {}
    test = f"test/{goal.short}"
    if test in measured:
        return Quality(goal, test, columns.get(test, f"test {goal.short}"))
    return Quality(goal, goal.metric, columns.get(goal.metric, goal.metric))


def best_first(evidence: Evidence, measure: Quality) -> list[Row]:
    """The rows that have the metric, best first."""
    measured = [row for row in evidence.rows if measure.metric in row.metrics]
    measured = [row for row in measured if not math.isnan(row.metrics[measure.metric].mean)]
    return sorted(measured, key=lambda row: measure.goal.loss(row.metrics[measure.metric].mean))


def equal_seconds(evidence: Evidence, goal: Goal) -> float | None:
    """The device-seconds at which rows are compared: those that the cheapest row takes whose training has reports.
    None where fewer than two rows have some."""
    ends = [max(ends) for group in evidence.groups() if (ends := [c[-1][0] for c in _curves(evidence, group, goal)])]
    return min(ends) if len(ends) > 1 else None


def at_seconds(evidence: Evidence, group: str, goal: Goal, seconds: float) -> Statistic | None:
    """The value of ``goal`` that the runs of a row had at their last report before so many device-seconds; None where
    none had reported by then."""
    values = []
    for curve in _curves(evidence, group, goal):
        before = [value for at, value in curve if at <= seconds * (1 + 1e-9)]
        if before and math.isfinite(before[-1]):
            values.append(before[-1])
    return Statistic.of(values) if values else None


def best_trial(evidence: Evidence, group: str, goal: Goal) -> Run | None:
    """The best of a row's trials that ran to the end, else of those that ended otherwise with a value."""
    ended = [run for run in evidence.searched() if run.group == group and run.value(goal) is not None]
    whole = [run for run in ended if run.state == "completed"]
    values = [(run, value) for run in whole or ended if (value := run.value(goal)) is not None and math.isfinite(value)]
    return min(values, key=lambda pair: goal.loss(pair[1]))[0] if values else None


def _curves(evidence: Evidence, group: str, goal: Goal) -> list[list[tuple[float, float]]]:
    """(device-seconds, value) of each retraining of a row that has reports; of its best trial before there is one."""
    runs = evidence.retrained(group)
    if not any(run.reports for run in runs):
        best = best_trial(evidence, group, goal)
        runs = [best] if best is not None else []
    curves = []
    for run in runs:
        points = [
            (report.metrics["train/device_seconds"], report.metrics[goal.metric])
            for report in run.reports
            if goal.metric in report.metrics and "train/device_seconds" in report.metrics
        ]
        if points and points[-1][0] > 0:
            curves.append(points)
    return curves
