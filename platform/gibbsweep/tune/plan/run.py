"""One run of a sweep, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gibbsweep.train import Segment


@dataclass(frozen=True)
class PlannedRun:
    """One run to start."""

    name: str
    """Its name, and that of its folder."""
    contender: str
    """The name of its contender."""
    kind: Literal["search", "retrain"]
    """Whether it is a trial of a search or a retraining."""
    values: dict[str, Any]
    """Searched values by path; in a population the values of the last segment of ``schedule``."""
    seed: int
    """The seed of its random streams."""
    data: str
    """The data view that it trains on."""
    runs_to: int
    """Updates after which it ends, or pauses if the budget has more."""
    option: Any = None
    """The compared option of its contender; None if the contender compares nothing."""
    number: int = -1
    """The trial's number in its search; -1 for a retraining."""
    front: str = ""
    """The label of the member of a Pareto front that it retrains; "" without a front."""
    schedule: tuple[Segment, ...] = ()
    """The values by updates from the start, if they change: in a population, and in a retraining that repeats its best
    member."""
    replays: str | None = None
    """The run whose schedule a retraining repeats; None without a schedule."""
