"""One run of a sweep, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gibbsweep.train import Segment


@dataclass(frozen=True)
class PlannedRun:
    """One run to start."""

    name: str
    contender: str
    kind: Literal["search", "retrain"]
    values: dict[str, Any]
    """Searched values by path; in a population those of the last segment of ``schedule``."""
    seed: int
    data: str
    """The view that it trains on."""
    runs_to: int
    """Updates after which it ends, or pauses where the budget has more."""
    option: Any = None
    """What the contender compares."""
    number: int = -1
    """The trial's number in its search; -1 for a retraining."""
    front: str = ""
    """The member of its Pareto front that a retraining is, where there is one."""
    schedule: tuple[Segment, ...] = ()
    """The values by updates from the start, where they change: in a population, and in a retraining that repeats its best member."""
    replays: str | None = None
    """The run whose schedule a retraining repeats."""
