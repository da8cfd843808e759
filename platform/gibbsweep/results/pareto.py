"""The Pareto front of a study's rows in two metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gibbsweep.results.dominance import dominates
from gibbsweep.results.row import Row


def front(rows: Sequence[Row], first: str, second: str) -> list[Row]:
    """The rows that no other row beats in both metrics, in rising order of ``first``.

    Low is good in both metrics. A row beats another where it is at least as good in both and better in one. Rows that
    lack a metric are left out.
    """
    measured = [row for row in rows if first in row.metrics and second in row.metrics]

    def at(row: Row) -> tuple[float, float]:
        return row.metrics[first].mean, row.metrics[second].mean

    return sorted((row for row in measured if not any(dominates(at(other), at(row)) for other in measured)), key=at)
