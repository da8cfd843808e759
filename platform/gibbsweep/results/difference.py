"""The difference of two numbers of a table, and whether seeds can tell it from nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gibbsweep.results.statistic import Statistic


@dataclass(frozen=True)
class Difference:
    """The mean of one statistic minus that of another.

    difference(row.metrics["test/recall"], other.metrics["test/recall"]).clear
    """

    value: float
    noise: float | None
    """Two standard errors of it: how far seeds alone could bring equal models apart. None where one has one seed, so
    that nobody can know."""

    @property
    def clear(self) -> bool:
        """Whether it is known to be more than the noise."""
        return self.noise is not None and abs(self.value) > self.noise

    def __str__(self) -> str:
        if self.noise is None:
            return f"{self.value:+.1f} (1 seed)"
        verdict = "" if self.clear else ", which seeds cannot tell from nothing"
        return f"{self.value:+.1f} (± {self.noise:.1f}, two standard errors){verdict}"


def difference(a: Statistic, b: Statistic) -> Difference:
    """``a`` minus ``b``, whose seeds are taken to be independent."""
    known = a.error is not None and b.error is not None
    return Difference(a.mean - b.mean, 2 * math.hypot(a.error or 0.0, b.error or 0.0) if known else None)
