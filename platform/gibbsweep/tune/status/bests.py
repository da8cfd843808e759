"""The best trials of a search so far, by each goal and ranked as for retraining, and the number of trials on the front
of several goals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gibbsweep.results.dominance import front_ranks
from gibbsweep.study.constraint import total_violation
from gibbsweep.study.goal import goal_names
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.ranking import losses_of
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.plan.outline import Outline


@dataclass(frozen=True)
class Best:
    """The best completed trial by one goal; before any has completed, the best of those that came furthest.

    Where there are constraints it is the best trial that satisfies all of them, or else the one that comes closest.
    """

    run: str
    """Name of its run."""
    value: float
    """Its value of the goal."""
    step: int
    """Updates after which it has that value."""
    values: dict[str, Any]
    """Those of its searched values that differ from the configuration as it stands, by path, without the compared
    ones."""
    completed: bool
    """Whether it has completed."""
    metric: str
    """Short name of the goal."""
    others: Mapping[str, float]
    """Its values of the other goals, by their short names."""
    option: str = ""
    """The compared values that it is the best of, in words; "" without a comparison, and with several goals."""
    copied: tuple[str, int] | None = None
    """The run whose checkpoint it went on from last, and after how many updates."""
    violated: tuple[str, ...] = ()
    """The constraints that it violates, in their own words."""


def bests_of(name: str, outline: Outline, records: Sequence[Record]) -> tuple[tuple[Best, ...], int]:
    """The best trial of contender ``name`` by each goal, each trial once, and the number of trials on the front of all
    goals. With one goal, the best trial of each compared option, the best of all first."""
    ended = [record for record in records if record.objectives is not None]
    step = outline.updates if ended else max((next(reversed(record.reports), 0) for record in records), default=0)
    compared = ended or [record for record in records if step in record.reports]
    values = [record.objectives or record.reports[step] for record in compared]
    if not values:
        return (), 0
    names = goal_names(outline.goals)
    excesses = [r.violations_at_the_end if ended else r.violations.get(step, {}) for r in compared]
    losses = [losses_of(outline.goals, point, excess) for point, excess in zip(values, excesses, strict=True)]
    if len(names) > 1:
        chosen = [
            (min(range(len(values)), key=[vector[i] for vector in losses].__getitem__), i) for i in range(len(names))
        ]
    else:  # of each compared option, the best option first; the goal decides among those that violate as much
        goal = outline.goals[0]
        keys = [(total_violation(excess), goal.loss(point[0])) for point, excess in zip(values, excesses, strict=True)]
        of_option: dict[str, list[int]] = {}
        for place, record in enumerate(compared):
            of_option.setdefault(_option(outline, record), []).append(place)
        firsts = [min(places, key=keys.__getitem__) for places in of_option.values()]
        chosen = [(place, 0) for place in sorted(firsts, key=keys.__getitem__)]
    bests: list[Best] = []
    for best, i in chosen:
        record = compared[best]
        run = search_name(name, record.number)
        if run in (earlier.run for earlier in bests):
            continue
        bests.append(
            Best(
                run=run,
                value=values[best][i],
                step=step,
                values=_changed(outline, record),
                completed=bool(ended),
                metric=names[i],
                others={other: value for other, value in zip(names, values[best], strict=True) if other != names[i]},
                option=_option(outline, record) if len(names) == 1 else "",
                copied=_last_copy(name, record),
                violated=tuple(text for text, excess in excesses[best].items() if excess > 0),
            )
        )
    # Trials with equal losses count once, as they are retrained once.
    front = front_ranks(list(dict.fromkeys(losses))).count(0) if len(names) > 1 else 1
    return tuple(bests), front


def _option(outline: Outline, record: Record) -> str:
    return ", ".join(f"{path.rsplit('.', 1)[-1]}={record.values.get(path)}" for path in outline.compared)


def _changed(outline: Outline, record: Record) -> dict[str, Any]:
    """The searched values of ``record`` that the configuration as it stands does not have."""

    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    return {
        path: value
        for path, value in record.values.items()
        if path not in outline.compared and (path not in outline.recipe or plain(value) != outline.recipe[path])
    }


def violations_message(violated: Iterable[str]) -> str:
    """``violates seconds <= 0.1``; "" where no constraint is violated."""
    texts = [text.rsplit("/", 1)[-1] for text in violated]
    return f"violates {' and '.join(texts)}" if texts else ""


def _last_copy(name: str, record: Record) -> tuple[str, int] | None:
    return (search_name(name, record.copies[-1].donor), record.copies[-1].step) if record.copies else None
