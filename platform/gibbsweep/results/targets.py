"""Numbers to beat: what a study set out to reach, judged by its own table and written beside it, reached or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from gibbsweep.results.row import Row


@dataclass(frozen=True)
class Verdict:
    """A target judged. ``got`` and ``bound`` are means over seeds; NaN where a contender has no such number."""

    claim: str
    got: float
    relation: Literal[">", "<"]
    bound: float

    def __str__(self) -> str:
        return f"{self.claim}: {self.got:.4g}, needed {self.relation} {self.bound:.4g}"

    @property
    def answer(self) -> str:
        if math.isnan(self.got) or math.isnan(self.bound):
            return "not measured"
        return "yes" if (self.got > self.bound if self.relation == ">" else self.got < self.bound) else "no"


@dataclass(frozen=True)
class Target:
    """``claim``: the target in words. The best of ``contenders`` (names, or labels of single rows: ``network weight=edm``, on a Pareto front ``network weight=edm (for FD)`` alone) in
    ``metric`` must be above (or below, as ``relation`` says) ``factor`` · b + ``offset``, where b is the best of ``than`` in
    ``than_metric`` (default: ``metric``), with ``than_mean`` their mean (one model against many specialists, each measured in its own
    way), or ``than`` itself where it is a number. ``data``: the one data set that the target speaks of; "": any.

        Target("logistic regression by half its error", "test/error", "<", ("jem", "rbm"), ("logistic",), factor=0.5)
    """

    claim: str
    metric: str
    relation: Literal[">", "<"]
    contenders: tuple[str, ...]
    than: tuple[str, ...] | float
    factor: float = 1.0
    offset: float = 0.0
    than_metric: str = ""
    data: str = ""
    than_mean: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.contenders, str) or isinstance(self.than, str):
            raise UserError(f"target {self.claim!r} names one contender: write a tuple, ('name',).")

    def judge(self, rows: Sequence[Row], data: str = "") -> Verdict | None:
        """None where it speaks of other data, none of its contenders ran, or none of those it compares with."""
        if self.data and self.data != data:
            return None
        own = [row for row in rows if _named(row, self.contenders)]
        others = [] if isinstance(self.than, float | int) else [row for row in rows if _named(row, self.than)]
        if not own or not (others or isinstance(self.than, float | int)):
            return None
        metric = self.than_metric or self.metric
        if isinstance(self.than, float | int):
            bound = float(self.than)
        elif self.than_mean:
            bound = self._mean(others, metric, len(self.than))
        else:
            bound = self._best(others, metric)
        return Verdict(self.claim, self._best(own, self.metric), self.relation, self.factor * bound + self.offset)

    def _mean(self, rows: Sequence[Row], metric: str, n: int) -> float:
        """NaN unless ``n`` rows have the number: a mean of fewer would be of something else."""
        values = [row.metrics[metric].mean for row in rows if metric in row.metrics]
        return sum(values) / n if len(values) == n else math.nan

    def _best(self, rows: Sequence[Row], metric: str) -> float:
        values = [row.metrics[metric].mean for row in rows if metric in row.metrics]
        finite = [value for value in values if not math.isnan(value)]
        if not finite:
            return math.nan
        return max(finite) if self.relation == ">" else min(finite)


def _named(row: Row, names: tuple[str, ...]) -> bool:
    return not {row.contender, row.group, row.label}.isdisjoint(names)
