"""What trials are ranked by: their goals as losses, behind how far they break constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gibbsweep.results.dominance import order_by_fronts
from gibbsweep.study.constraint import ranking_loss
from gibbsweep.study.goal import Goal
from gibbsweep.tune.journal.record import Record


def losses_of(goals: Sequence[Goal], values: Sequence[float], found: Mapping[str, float]) -> tuple[float, ...]:
    """Every goal's value as the loss that it is ranked by. Where a constraint is violated all of them are behind those that satisfy
    all, so such a trial is dominated by every one that does and by every smaller violation (constrained domination, Deb et al.
    2002, section VI)."""
    return tuple(ranking_loss(goal.loss(value), found) for goal, value in zip(goals, values, strict=True))


def end_losses(records: Sequence[Record], goals: Sequence[Goal]) -> list[tuple[float, ...]]:
    """Of each of ``records``, which all have ended with values."""
    return [losses_of(goals, r.objectives or (), {"": r.violation} if r.attrs else {}) for r in records]


def best_first(records: Sequence[Record], goals: Sequence[Goal]) -> list[Record]:
    """Those of ``records`` with values, by how far they are from the constraints and then the goal; of several goals by their fronts
    (see :func:`gibbsweep.results.dominance.ordered`)."""
    ended = [record for record in records if record.objectives is not None]
    if len(goals) > 1:
        return [ended[i] for i in order_by_fronts(end_losses(ended, goals))]
    return sorted(ended, key=lambda r: (r.violation, goals[0].loss((r.objectives or (0.0,))[0]), r.number))
