"""What a run's reports say that its last one does not: how good it was at its best, and how much of that it lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from gibbsweep.study.goal import Goal
from gibbsweep.train.report import read_spool


def over_training(spool: Path, goals: Sequence[Goal]) -> dict[str, float]:
    """``peak/METRIC``, the best finite value of a goal among the reports in ``spool``, and ``drop/METRIC`` >= 0, how much worse
    the last report that has it is, for each of ``goals``. Nothing where no report has one."""
    reports = [metrics for _, metrics in read_spool(spool)]
    return {name: value for goal in goals for name, value in _over_training(reports, goal).items()}


def _over_training(reports: Sequence[Mapping[str, float]], goal: Goal) -> dict[str, float]:
    reported = [metrics[goal.metric] for metrics in reports if goal.metric in metrics]
    finite = [value for value in reported if math.isfinite(value)]
    if not finite:
        return {}
    peak = max(finite) if goal.direction == "maximize" else min(finite)
    return {f"peak/{goal.metric}": peak, f"drop/{goal.metric}": abs(peak - reported[-1])}
