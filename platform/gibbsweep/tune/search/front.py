"""The Pareto front of a search, and the trials of it that are retrained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.results.dominance import front_ranks, spread
from gibbsweep.study.goal import Goal, goal_names
from gibbsweep.tune.journal.ranking import best_first, end_losses
from gibbsweep.tune.journal.record import Record


@dataclass(frozen=True)
class FrontMember:
    """A configuration to retrain."""

    label: str
    """Why it is on the front, as its row says it; "" if it is the only configuration."""
    values: dict[str, Any]
    """Searched values by path."""


def front_of(records: Sequence[Record], goals: Sequence[Goal], most: int | None = None) -> list[Record]:
    """At most ``most`` of the trials that no other of ``records`` beats in all of several goals, in the order of
    :func:`gibbsweep.results.dominance.spread`: the best in each goal come first. Of trials with equal values only the
    first counts. If no trial satisfies all constraints, the front is that of the trials that come closest. Empty if no
    trial has values."""
    ended = [record for record in records if record.objectives is not None]
    first: dict[tuple[float, ...], Record] = {}
    for losses, record in zip(end_losses(ended, goals), ended, strict=True):
        first.setdefault(losses, record)
    ranks = front_ranks(list(first))
    front = [entry for entry, rank in zip(first.items(), ranks, strict=True) if rank == 0]
    return [front[i][1] for i in spread([losses for losses, _ in front], most)]


def members_of(records: Sequence[Record], goals: Sequence[Goal], most: int) -> list[FrontMember]:
    """What is retrained: the best trial, or with several goals at most ``most`` trials of their front with labels.
    Empty if no trial has values."""
    if len(goals) == 1:
        return [FrontMember("", record.values) for record in best_first(records, goals)[:1]]
    front = front_of(records, goals, most)
    return [FrontMember(label, r.values) for label, r in zip(_labels(front, goals), front, strict=True)]


def _labels(front: Sequence[Record], goals: Sequence[Goal]) -> list[str]:
    """The labels of a front's members: ``for FD`` for the best in a goal (``for all`` for the best in each), ``front
    3`` for a third member that is the best in none. Each goal labels one member."""
    losses = end_losses(front, goals)
    best_in: dict[int, list[str]] = {}
    for i, name in enumerate(goal_names(goals) if front else ()):
        position = min(range(len(front)), key=[vector[i] for vector in losses].__getitem__)
        best_in.setdefault(position, []).append(name)
    if len(front) == 1:
        return ["for all"]
    return [f"for {' and '.join(best_in[p])}" if p in best_in else f"front {p + 1}" for p in range(len(front))]
