"""Constraints: bounds on validation metrics that a configuration must keep beside its goal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Constraint:
    """A bound on a validation metric.

    Search hears how far each trial is from the bound. A trial that violates a constraint is retrained only where no
    trial satisfies all of them. For example::

        Constraint("validation/sampling_seconds", "<=", 0.1)
    """

    metric: str
    """The metric's name. A metric of the test split is refused."""
    relation: Literal["<=", ">="]
    """``<=``: the metric must be at most ``bound``; ``>=``: at least."""
    bound: float
    """A finite number in the unit of the metric."""

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
        """The violation by ``metrics``: a number in (-1, 1], above 0 where they are beyond the bound.

        It is e / (1 + abs(e)). The excess e over the bound is in units of the bound (of 1 where the bound is 0), so
        that constraints of different units compare. It is 1 where the metric was not measured or is not finite.
        """
        value = metrics.get(self.metric, math.nan)
        if not math.isfinite(value):
            return 1.0
        excess = (value - self.bound if self.relation == "<=" else self.bound - value) / (abs(self.bound) or 1.0)
        return excess / (1 + abs(excess)) if math.isfinite(excess) else 1.0


def violations(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> dict[str, float]:
    """The violation of each constraint (see :meth:`Constraint.violation`), by the constraint's text."""
    return {str(constraint): constraint.violation(metrics) for constraint in constraints}


def total_violation(amounts: Mapping[str, float]) -> float:
    """The sum of the violations above 0; 0 where no constraint is violated."""
    return sum(max(0.0, violation) for violation in amounts.values())


def describe_violations(constraints: Iterable[Constraint], metrics: Mapping[str, float]) -> list[str]:
    """A phrase for each constraint that ``metrics`` do not satisfy."""
    return [
        f"{c.metric} {f'is {metrics[c.metric]:.3g}' if c.metric in metrics else 'was not measured'}, "
        f"needed {c.relation} {c.bound:g}"
        for c in constraints
        if c.violation(metrics) > 0
    ]


_BEHIND = 1e300
"""A loss behind every loss that a trial can report."""


def ranking_loss(loss: float, amounts: Mapping[str, float]) -> float:
    """The loss that a trial is ranked by.

    It is the trial's own loss where the trial satisfies all constraints. Else it is a loss behind every such loss, and
    the smaller violation comes first (Deb 2000, "An efficient constraint handling method for genetic algorithms"). A
    loss that is not finite stays as it is.
    """
    beyond = total_violation(amounts)
    return _BEHIND * (1 + beyond) if beyond > 0 and math.isfinite(loss) else loss
