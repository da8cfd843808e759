"""Targets: the numbers that a study set out to beat, judged by its own table and written beside it."""

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
    """The verdict on a target."""

    claim: str
    """The target in words."""
    got: float
    """The mean over seeds of the contender that had to beat the bound; NaN where it has no such number."""
    relation: Literal[">", "<"]
    """Whether ``got`` must be above or below ``bound``."""
    bound: float
    """The number to beat, of means over seeds; NaN where there is none."""

    def __str__(self) -> str:
        return f"{self.claim}: {self.got:.4g}, needed {self.relation} {self.bound:.4g}"

    @property
    def answer(self) -> str:
        """Whether the target was reached: ``yes``, ``no``, or ``not measured``."""
        if math.isnan(self.got) or math.isnan(self.bound):
            return "not measured"
        return "yes" if (self.got > self.bound if self.relation == ">" else self.got < self.bound) else "no"


@dataclass(frozen=True)
class Target:
    """A number to beat: the best of ``contenders`` must be above or below ``factor`` · b + ``offset``.

    b is ``than`` where that is a number, else the best of the contenders in ``than``, or their mean. For example::

        Target("logistic regression by half its error", "test/error", "<", ("jem", "rbm"), ("logistic",), factor=0.5)
    """

    claim: str
    """The target in words."""
    metric: str
    """The metric of ``contenders``."""
    relation: Literal[">", "<"]
    """Whether they must be above or below the bound; it also says which number is the best."""
    contenders: tuple[str, ...]
    """Names of contenders, or labels of single rows: ``network weight=edm`` with a compared option, and ``network
    weight=edm (for FD)`` for one configuration of a Pareto front."""
    than: tuple[str, ...] | float
    """The contenders (or labels) to beat, or a number."""
    factor: float = 1.0
    """Multiplies b."""
    offset: float = 0.0
    """Is added to ``factor`` · b."""
    than_metric: str = ""
    """The metric of ``than``; "" is ``metric``."""
    data: str = ""
    """The one data set that the target speaks of; "" is any."""
    than_mean: bool = False
    """Whether b is the mean of ``than`` instead of the best: one model against many specialists, each measured in its
    own way."""

    def __post_init__(self) -> None:
        if isinstance(self.contenders, str) or isinstance(self.than, str):
            raise UserError(f"target {self.claim!r} names one contender: write a tuple, ('name',).")

    def judge(self, rows: Sequence[Row], data: str = "") -> Verdict | None:
        """The verdict by ``rows``. None where the target speaks of other data, or where no contender of a side ran."""
        if self.data and self.data != data:
            return None
        contender_rows = [row for row in rows if _named(row, self.contenders)]
        rows_to_beat = [] if isinstance(self.than, float | int) else [row for row in rows if _named(row, self.than)]
        if not contender_rows or not (rows_to_beat or isinstance(self.than, float | int)):
            return None
        metric = self.than_metric or self.metric
        if isinstance(self.than, float | int):
            bound = float(self.than)
        elif self.than_mean:
            bound = self._mean(rows_to_beat, metric, len(self.than))
        else:
            bound = self._best(rows_to_beat, metric)
        return Verdict(
            self.claim, self._best(contender_rows, self.metric), self.relation, self.factor * bound + self.offset
        )

    def _mean(self, rows: Sequence[Row], metric: str, n: int) -> float:
        """The mean of ``metric``. NaN unless ``n`` rows have it: a mean of fewer would mean something else."""
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
