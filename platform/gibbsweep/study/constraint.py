"""What a configuration must keep to beside its goal: a bound on another validation metric."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Constraint:
    """``metric`` must be at most (``<=``) or at least (``>=``) ``bound``: ``Constraint("validation/sampling_seconds", "<=", 0.1)``.

    Search is told how far each trial is from it, and a trial that violates one is retrained only where none satisfies all.
    """

    metric: str
    relation: Literal["<=", ">="]
    bound: float

    def __post_init__(self) -> None:
        if self.relation not in ("<=", ">="):
            raise UserError(f"a Constraint's relation is '<=' or '>=': got {self.relation!r} on {self.metric!r}.")
        if not math.isfinite(self.bound):
            raise UserError(f"a Constraint needs a finite bound: got {self.bound} on {self.metric!r}.")
        if self.metric.startswith("test/"):
            raise UserError(
                f"the constraint on {self.metric!r} would choose by the test split: name a metric of validation/."
            )

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound:g}"

    def violation(self, metrics: Mapping[str, float]) -> float:
        """In (-1, 1], above 0 where it is violated: e / (1 + abs(e)) of the excess e over the bound in units of the bound (of 1 where that is
        0), so that constraints of different units compare. 1 where the metric was not measured or is not finite."""
        value = metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return 1.0
        excess = (value - self.bound if self.relation == "<=" else self.bound - value) / (abs(self.bound) or 1.0)
        return excess / (1 + abs(excess)) if math.isfinite(excess) else 1.0


def violations(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> dict[str, float]:
    """Each constraint's violation by its text."""
    return {str(constraint): constraint.violation(metrics) for constraint in constraints}


def total(found: Mapping[str, float]) -> float:
    """The sum of what is violated; 0 where nothing is."""
    return sum(max(0.0, violation) for violation in found.values())


def violated(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> list[str]:
    """The constraints that ``metrics`` do not satisfy, in words."""
    return [
        f"{c.metric} {f'is {metrics[c.metric]:.3g}' if c.metric in metrics else 'was not measured'}, needed {c.relation} {c.bound:g}"
        for c in constraints
        if c.violation(metrics) > 0
    ]


_BEHIND = 1e300


def ranked(loss: float, found: Mapping[str, float]) -> float:
    """The loss that a trial is ranked by: its own where it satisfies all; else one behind every such loss, the smaller violation first
    (Deb 2000, "An efficient constraint handling method for genetic algorithms"). What is not finite stays so."""
    beyond = total(found)
    return _BEHIND * (1 + beyond) if beyond > 0 and math.isfinite(loss) else loss
