"""What a curve joins: rows that differ in one compared number alone, or one metric of a row at several levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic


@dataclass(frozen=True)
class Series:
    """Rows of one contender that share all compared values but one.

    for series in series_of(results.rows, x=1):
        print(series.label, [series.number(row) for row in series.rows])
    """

    contender: str
    shared: str
    """The compared values that the rows share, in words: ``k = 1``; "" where they share none."""
    x: int
    """Which of the compared values is the number, by its place in the contender's ``compare``."""
    rows: tuple[Row, ...]
    """By rising number."""

    @property
    def label(self) -> str:
        return ", ".join(filter(None, (self.contender, self.shared)))

    def number(self, row: Row) -> float:
        """The compared number of one of ``rows``."""
        return float(list(row.compared.values())[self.x])


def series_of(rows: Sequence[Row], x: int = 0, names: Mapping[str, str] | None = None) -> list[Series]:
    """The series of ``rows``, in the order of the table; rows that compare no value at place ``x`` are left out.

    ``names``: what a compared path is called, its last word unless it is named.
    """
    by_shared: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if len(row.compared) > x:
            others = [item for place, item in enumerate(row.compared.items()) if place != x]
            words = ", ".join(f"{_name(path, names or {})} = {value}" for path, value in others)
            by_shared.setdefault((row.contender, words), []).append(row)
    return [
        Series(contender, words, x, tuple(sorted(alike, key=lambda row: float(list(row.compared.values())[x]))))
        for (contender, words), alike in by_shared.items()
    ]


def _name(path: str, names: Mapping[str, str]) -> str:
    return names.get(path, path.rpartition(".")[2])


def plain(level: float) -> str:
    """A level as it stands in a metric's name: 0.1."""
    return f"{level:g}"


def at_levels(
    row: Row, metric: str, levels: Sequence[float], suffix: str = "_{}", named: Callable[[float], str] = plain
) -> dict[float, Statistic]:
    """What ``row`` has of ``metric`` at each of ``levels`` that it was measured at.

    ``test/psnr_25`` is ``test/psnr`` with the suffix ``_{}`` at the level that is named 25.
    """
    names = {level: metric + suffix.format(named(level)) for level in levels}
    return {level: row.metrics[name] for level, name in names.items() if name in row.metrics}
