"""What the retrainings of a population repeat: how the best member's weights were trained."""

from __future__ import annotations

from typing import Any

from gibbsweep.train import Segment
from gibbsweep.tune.planned import search_name
from gibbsweep.tune.search import Search


def replay_of(search: Search, option: Any) -> tuple[tuple[Segment, ...], str | None]:
    """The schedule of the best trial with ``option`` and its run; neither where ``search`` is no population."""
    best = None if search.population is None else search.best(option)
    if search.population is None or best is None:
        return (), None
    return search.population.schedule(best.number), search_name(search.name, best.number)


def replay_told(search: Search, option: Any) -> list[dict[str, Any]]:
    """That schedule for the results: what evolves, and whose training it was."""
    best = None if search.population is None else search.best(option)
    return [] if search.population is None or best is None else search.population.told(best.number, search.name)
