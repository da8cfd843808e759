"""Numbers to beat: what a study set out to reach, judged by its own table and written beside it, reached or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gibbsweep.errors import UserError

if TYPE_CHECKING:
    from gibbsweep.study.results import Row


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
    """``claim``: the target in words. The best of ``contenders`` in ``metric`` must be above (or below, as ``relation`` says)
    ``factor`` · b + ``offset``, where b is the best of ``than`` in ``than_metric`` (default: ``metric``), or ``than`` itself
    where it is a number.

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

    def __post_init__(self) -> None:
        if isinstance(self.contenders, str) or isinstance(self.than, str):
            raise UserError(f"target {self.claim!r} names one contender: write a tuple, ('name',).")

    def judge(self, rows: Sequence[Row]) -> Verdict | None:
        """None where none of its contenders ran, or none of those it compares with."""
        own = [row for row in rows if row.contender in self.contenders]
        others = [] if isinstance(self.than, float | int) else [row for row in rows if row.contender in self.than]
        if not own or not (others or isinstance(self.than, float | int)):
            return None
        best = self.than if isinstance(self.than, float | int) else self._best(others, self.than_metric or self.metric)
        return Verdict(self.claim, self._best(own, self.metric), self.relation, self.factor * best + self.offset)

    def _best(self, rows: Sequence[Row], metric: str) -> float:
        values = [row.metrics[metric].mean for row in rows if metric in row.metrics]
        finite = [value for value in values if not math.isnan(value)]
        if not finite:
            return math.nan
        return max(finite) if self.relation == ">" else min(finite)
