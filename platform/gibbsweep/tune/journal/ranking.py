"""The order of trials: first by how far they violate constraints, then by the losses of their goals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gibbsweep.results.dominance import order_by_fronts
from gibbsweep.study.constraint import ranking_loss
from gibbsweep.study.goal import Goal
from gibbsweep.tune.journal.record import Record


def losses_of(goals: Sequence[Goal], values: Sequence[float], violations: Mapping[str, float]) -> tuple[float, ...]:
    """Every goal's value as the loss that trials are ranked by. If a constraint is violated, every loss comes behind
    those of the trials that satisfy all constraints. Such a trial is therefore dominated by every trial that satisfies
    them and by every smaller violation (constrained domination, Deb et al. 2002, section VI)."""
    return tuple(ranking_loss(goal.loss(value), violations) for goal, value in zip(goals, values, strict=True))


def order(losses: Sequence[tuple[float, ...]]) -> list[int]:
    """The positions of ``losses``, best first; of equal ones the first comes first."""
    if losses and len(losses[0]) > 1:
        return order_by_fronts(losses)
    return sorted(range(len(losses)), key=losses.__getitem__)


def end_losses(records: Sequence[Record], goals: Sequence[Goal]) -> list[tuple[float, ...]]:
    """The losses of each of ``records``, which have all ended with values."""
    return [losses_of(goals, r.objectives or (), {"": r.violation} if r.attrs else {}) for r in records]


def best_first(records: Sequence[Record], goals: Sequence[Goal]) -> list[Record]:
    """The ``records`` that have values, ordered by how far they are from the constraints and then by the goal. Several
    goals are ordered by fronts (see :func:`gibbsweep.results.dominance.ordered`)."""
    ended = [record for record in records if record.objectives is not None]
    if len(goals) > 1:
        return [ended[i] for i in order_by_fronts(end_losses(ended, goals))]
    return sorted(ended, key=lambda r: (r.violation, goals[0].loss((r.objectives or (0.0,))[0]), r.number))
