"""One run of a sweep, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gibbsweep.train import Segment


@dataclass(frozen=True)
class Planned:
    """One run to start: ``values`` are searched paths, ``option`` what the contender compares, ``data`` the view it trains on."""

    name: str
    contender: str
    kind: Literal["search", "retrain"]
    values: dict[str, Any]
    seed: int
    data: str
    runs_to: int
    """Updates after which it ends, or pauses where the budget has more."""
    option: Any = None
    number: int = -1
    front: str = ""
    """Of a retraining: which member of its Pareto front it is, where there is one."""
    schedule: tuple[Segment, ...] = ()
    """Of a population: the values by updates, from the start, of which ``values`` are the last."""
    replays: str | None = None
    """The run whose schedule that is, of a retraining."""
