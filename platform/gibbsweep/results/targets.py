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
    error: float | None = None
    """The standard error of the difference of ``got`` and ``bound``, by the seeds of both sides (a published number has
    none); None where a side has one seed, so that nobody can know it."""

    def __str__(self) -> str:
        return f"{self.claim}: {self.got:.4g}, needed {self.relation} {self.bound:.4g} ({self.margin})"

    @property
    def margin(self) -> str:
        """``± 0.012``, two standard errors of the difference; ``1 seed`` where they are not known."""
        return "1 seed" if self.error is None else f"± {2 * self.error:.2g}"

    @property
    def answer(self) -> str:
        """Whether the target was reached: ``yes``, ``no``, or ``level`` where the difference is within two of its
        standard errors. ``yes (1 seed)`` and ``no (1 seed)`` where these are not known, ``not measured`` without a
        number."""
        if math.isnan(self.got) or math.isnan(self.bound):
            return "not measured"
        if self.error and abs(self.got - self.bound) <= 2 * self.error:
            return "level"
        reached = self.got > self.bound if self.relation == ">" else self.got < self.bound
        return f"{'yes' if reached else 'no'}{' (1 seed)' if self.error is None else ''}"


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
            bound: Known = float(self.than), 0.0
        elif self.than_mean:
            bound = self._mean(rows_to_beat, metric, len(self.than))
        else:
            bound = self._best(rows_to_beat, metric)
        got = self._best(contender_rows, self.metric)
        errors = got[1], None if bound[1] is None else abs(self.factor) * bound[1]
        return Verdict(self.claim, got[0], self.relation, self.factor * bound[0] + self.offset, _together(errors))

    def _mean(self, rows: Sequence[Row], metric: str, n: int) -> Known:
        """The mean of ``metric``. NaN unless ``n`` rows have it: a mean of fewer would mean something else."""
        found = [row.metrics[metric] for row in rows if metric in row.metrics]
        if len(found) != n:
            return math.nan, None
        error = _together([statistic.error for statistic in found])
        return sum(statistic.mean for statistic in found) / n, None if error is None else error / n

    def _best(self, rows: Sequence[Row], metric: str) -> Known:
        found = [row.metrics[metric] for row in rows if metric in row.metrics]
        finite = [statistic for statistic in found if not math.isnan(statistic.mean)]
        if not finite:
            return math.nan, None
        best = (max if self.relation == ">" else min)(finite, key=lambda statistic: statistic.mean)
        return best.mean, best.error


Known = tuple[float, float | None]
"""A number and its standard error; None where that is not known."""


def _together(errors: Sequence[float | None]) -> float | None:
    """The standard error of a sum or difference of independent numbers; None if one's is not known."""
    known = [error for error in errors if error is not None]
    return math.hypot(*known) if len(known) == len(errors) else None


def _named(row: Row, names: tuple[str, ...]) -> bool:
    return not {row.contender, row.group, row.label}.isdisjoint(names)
