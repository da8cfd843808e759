"""The peak of each goal over a run's reports, and how much of it the last report has lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from gibbsweep.folder import read_spool
from gibbsweep.study.goal import Goal


def peaks_and_drops(spool: Path, goals: Sequence[Goal]) -> dict[str, float]:
    """``peak/METRIC`` and ``drop/METRIC`` of each of ``goals``.

    The peak is the best finite value among the reports in ``spool``. The drop, at least 0, is how much worse the last
    report is that has the metric. A goal that no report has finite has neither.
    """
    reports = [record.metrics for record in read_spool(spool)]
    return {name: value for goal in goals for name, value in _peak_and_drop(reports, goal).items()}


def _peak_and_drop(reports: Sequence[Mapping[str, float]], goal: Goal) -> dict[str, float]:
    reported = [metrics[goal.metric] for metrics in reports if goal.metric in metrics]
    finite = [value for value in reported if math.isfinite(value)]
    if not finite:
        return {}
    peak = max(finite) if goal.direction == "maximize" else min(finite)
    return {f"peak/{goal.metric}": peak, f"drop/{goal.metric}": abs(peak - reported[-1])}
