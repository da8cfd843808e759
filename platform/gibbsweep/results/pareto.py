"""What a study found for two objectives at once: the rows that no other row beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from gibbsweep.results.dominance import dominates
from gibbsweep.results.row import Row


def front(rows: Sequence[Row], first: str, second: str) -> list[Row]:
    """Those of ``rows`` with both metrics, both to be small, that no other is at least as good as in both and better in one, by rising
    ``first``."""
    measured = [row for row in rows if first in row.metrics and second in row.metrics]

    def at(row: Row) -> tuple[float, float]:
        return row.metrics[first].mean, row.metrics[second].mean

    return sorted((row for row in measured if not any(dominates(at(other), at(row)) for other in measured)), key=at)
