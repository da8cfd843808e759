"""A mean and a standard deviation over seeds, or over trials."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Statistic:
    """A mean and a standard deviation over seeds."""

    mean: float
    """The mean."""
    sd: float
    """The sample standard deviation; 0 by definition with one seed."""
    n: int
    """The number of seeds."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistic:
        """The statistic of ``values``, one for each seed."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0, len(values))

    @property
    def error(self) -> float | None:
        """The standard error of the mean, sd / sqrt(n); None with one seed, which says nothing of it."""
        return self.sd / math.sqrt(self.n) if self.n > 1 else None

    def __str__(self) -> str:
        if not math.isfinite(self.mean):
            return str(self.mean)
        if 0 < abs(self.mean) < 1e-3:
            return f"{self.mean:.1e} ± {self.sd:.0e}" if self.n > 1 else f"{self.mean:.1e}"
        digits = 0 if abs(self.mean) >= 1000 else 2 if abs(self.mean) >= 1 else 3
        return f"{self.mean:.{digits}f} ± {self.sd:.{digits}f}" if self.n > 1 else f"{self.mean:.{digits}f}"
