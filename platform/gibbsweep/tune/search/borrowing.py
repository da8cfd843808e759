"""What an arm borrows: the best values so far of the best other arm, in the fields that both search.

Of two recipes that are compared, one may look better only because its search was the luckier one: its learning rate
would have served the other as well. So the last quarter of each arm's trials (at least one, and never the first) take
over what the best other arm has found, in the fields that both search, with the arm's own best values in all others.
Every arm has the same number of trials, borrowed ones included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gibbsweep.study.space import Space, flatten, values_within, walk
from gibbsweep.tune.folder.layout import search_name
from gibbsweep.tune.journal.ranking import losses_of, order
from gibbsweep.tune.schedulers.base import Losses

if TYPE_CHECKING:
    from gibbsweep.tune.journal.record import Record
    from gibbsweep.tune.search.arm import Arm

SHARE = 4
"""One trial in so many is borrowed."""


@dataclass(frozen=True)
class Loan:
    """Values for a trial, of which some are another arm's."""

    values: dict[str, Any]
    """Values by path of the borrower's space. A path that neither arm has a value for is absent."""
    lender: str
    """The run from which values are borrowed."""


def borrowed_places(trials: int) -> range:
    """The places, among ``trials`` trials of an arm, of those that borrow."""
    return range(max(1, trials - max(1, trials // SHARE)), trials)


def loan_for(arm: Arm, lenders: Sequence[Arm]) -> Loan | None:
    """What the next trial of ``arm`` borrows: of the best of ``lenders`` that has values which the arm has not tried.
    None where it is not the turn of a borrowed trial, and where there is nothing to borrow. A function of the records
    alone."""
    others = [other for other in lenders if other is not arm and other.contender.goals == arm.contender.goals]
    if not others or len(arm.records) not in borrowed_places(arm.trials):
        return None
    own = next(iter(_leaders([arm])), None)
    values = {**flatten(arm.contender.config), **({} if own is None else own[1].values)}
    for other, best in _leaders(others):
        borrowed = shared(best.values, other.contender.space, arm.contender.space, arm.compared)
        fixed, _ = values_within({**values, **borrowed, **arm.compared}, arm.contender.space)
        if borrowed and not any(_contains(record.values, fixed) for record in arm.records):
            return Loan(fixed, search_name(other.name, best.number))
    return None


def shared(values: Mapping[str, Any], theirs: Space, ours: Space, compared: Mapping[str, Any]) -> dict[str, Any]:
    """The ``values`` of a trial in the space ``theirs`` that lie in the space ``ours``: of the same dotted path and the
    same type of domain, and of no ``compared`` path."""
    domains = dict(walk(theirs))
    return {
        path: values[path]
        for path, domain in walk(ours)
        if path in values
        and path not in compared
        and isinstance(domain, type(domains.get(path)))
        and values_within(values, {path: domain})[0]
    }


def _leaders(arms: Sequence[Arm]) -> list[tuple[Arm, Record]]:
    """The best trial of each of ``arms`` that has one, the best first. Trials that have ended count, with their values;
    where no arm has one, those that have reached the rung farthest on."""
    for below in range(max((len(arm.scheduler.rungs) for arm in arms), default=0) + 1):
        best: list[tuple[Arm, Record, Losses]] = []
        for arm in arms:
            there = [(record, losses) for record in arm.records if (losses := _losses(arm, record, below))]
            if there:
                best.append((arm, *there[order([losses for _, losses in there])[0]]))
        if best:
            return [best[i][:2] for i in order([losses for _, _, losses in best])]
    return []


def _losses(arm: Arm, record: Record, below: int) -> Losses:
    """The losses of ``record`` so many rungs ``below`` the end, or at the end (0); empty if it has none."""
    goals, rungs = arm.contender.goals, arm.scheduler.rungs
    if not below:
        return () if record.objectives is None else losses_of(goals, record.objectives, record.violations_at_the_end)
    step = rungs[-below] if below <= len(rungs) else 0
    return losses_of(goals, record.reports[step], record.violations.get(step, {})) if step in record.reports else ()


def _contains(values: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    return all(path in values and values[path] == value for path, value in part.items())
