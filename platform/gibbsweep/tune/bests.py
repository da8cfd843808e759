"""The best so far of a search: by each goal, and how many trials are on the front of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.study.dominance import front_ranks
from gibbsweep.study.study import Goal, goal_names
from gibbsweep.tune.outline import Outline
from gibbsweep.tune.planned import search_name
from gibbsweep.tune.record import Record


@dataclass(frozen=True)
class Best:
    """The best trial that completed, by one goal; before there is one, the best of those that came furthest. ``others``: its values of the
    other goals, where there are several."""

    run: str
    value: float
    step: int
    values: dict[str, Any]
    completed: bool
    metric: str
    others: Mapping[str, float]
    copied: tuple[str, int] | None = None
    """The run whose checkpoint it went on from last, and after how many updates."""


def bests_of(name: str, outline: Outline, records: Sequence[Record]) -> tuple[tuple[Best, ...], int]:
    """The best by each goal, each trial once, and how many are on the front of all of them."""
    ended = [record for record in records if record.objectives is not None]
    step = outline.updates if ended else max((next(reversed(record.reports), 0) for record in records), default=0)
    compared = ended or [record for record in records if step in record.reports]
    values = [r.objectives or r.reported(step) for r in compared]
    if not values:
        return (), 0
    names, losses = goal_names(outline.goals), [tuple(map(Goal.loss, outline.goals, own)) for own in values]
    found: list[Best] = []
    for i, metric in enumerate(names):
        at = min(range(len(values)), key=[vector[i] for vector in losses].__getitem__)
        others = {other: value for j, (other, value) in enumerate(zip(names, values[at], strict=True)) if j != i}
        run = search_name(name, compared[at].number)
        if run in (best.run for best in found):
            continue
        copied = _copied(name, compared[at])
        found.append(Best(run, values[at][i], step, compared[at].values, bool(ended), metric, others, copied))
    front = front_ranks(losses).count(0) if len(names) > 1 else 1
    return tuple(found), front


def _copied(name: str, record: Record) -> tuple[str, int] | None:
    return (search_name(name, record.copies[-1].donor), record.copies[-1].step) if record.copies else None
