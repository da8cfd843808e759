"""The best so far of a search, ranked as what is retrained: by each goal, and how many trials are on the front of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.results.dominance import front_ranks
from gibbsweep.study.constraint import total
from gibbsweep.study.goal import goal_names
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.ranking import losses_of
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline


@dataclass(frozen=True)
class Best:
    """The best trial that completed, by one goal; before there is one, the best of those that came furthest. Where there are constraints, the
    best of those that satisfy all, or else the one that comes closest, which then has ``violated`` some (in their own words). ``others``:
    its values of the other goals, where there are several."""

    run: str
    value: float
    step: int
    values: dict[str, Any]
    completed: bool
    metric: str
    others: Mapping[str, float]
    copied: tuple[str, int] | None = None
    """The run whose checkpoint it went on from last, and after how many updates."""
    violated: tuple[str, ...] = ()


def bests_of(name: str, outline: Outline, records: Sequence[Record]) -> tuple[tuple[Best, ...], int]:
    """The best by each goal, each trial once, and how many are on the front of all of them."""
    ended = [record for record in records if record.objectives is not None]
    step = outline.updates if ended else max((next(reversed(record.reports), 0) for record in records), default=0)
    compared = ended or [record for record in records if step in record.reports]
    values = [r.objectives or r.reported(step) for r in compared]
    if not values:
        return (), 0
    names = goal_names(outline.goals)
    against = [r.violations_at_the_end if ended else r.violations.get(step, {}) for r in compared]
    losses = [losses_of(outline.goals, own, excess) for own, excess in zip(values, against, strict=True)]
    found: list[Best] = []
    for i, metric in enumerate(names):
        if len(names) > 1:
            at = min(range(len(values)), key=[vector[i] for vector in losses].__getitem__)
        else:  # who violates as much is told apart by the goal
            keys = [(total(excess), outline.goals[0].loss(own[0])) for own, excess in zip(values, against, strict=True)]
            at = min(range(len(values)), key=keys.__getitem__)
        others = {other: value for j, (other, value) in enumerate(zip(names, values[at], strict=True)) if j != i}
        run = search_name(name, compared[at].number)
        if run in (best.run for best in found):
            continue
        violated = tuple(text for text, by in against[at].items() if by > 0)
        copied = _copied(name, compared[at])
        found.append(Best(run, values[at][i], step, compared[at].values, bool(ended), metric, others, copied, violated))
    # Equal ones once, as they are retrained.
    front = front_ranks(list(dict.fromkeys(losses))).count(0) if len(names) > 1 else 1
    return tuple(found), front


def violations_said(violated: Iterable[str]) -> str:
    """``violates seconds <= 0.1``; "" where nothing is violated."""
    texts = [text.rsplit("/", 1)[-1] for text in violated]
    return f"violates {' and '.join(texts)}" if texts else ""


def _copied(name: str, record: Record) -> tuple[str, int] | None:
    return (search_name(name, record.copies[-1].donor), record.copies[-1].step) if record.copies else None
