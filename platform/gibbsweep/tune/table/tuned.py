"""How well an arm's search tuned what was retrained: read off its trials and its space."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from gibbsweep.results.statistic import Statistic
from gibbsweep.results.tuning import FEWEST_TRIALS, Tuning
from gibbsweep.study.space import Choice, Domain, Float, Space
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.finite import configurations
from gibbsweep.tune.search.arm import Arm
from gibbsweep.tune.search.front import FrontMember
from gibbsweep.tune.search.search import Search

EDGE = 0.02
"""A number lies on the edge within this share of its range, on the scale that is searched."""
FEWEST_OPTIONS = 3
"""The fewest options of a Choice of numbers that has a middle."""


def tuning_of(search: Search, arm: Arm, member: FrontMember) -> Tuning | None:
    """How well ``arm`` tuned ``member``; None where nothing but the compared option could be searched."""
    contender = arm.contender
    if not contender.trials(1):
        return None
    count = configurations(contender.space, arm.compared)
    tried = sum(record.ended for record in arm.records)
    whole = count is not None and tried >= count
    begun_with = arm.records[0].initial_values if arm.records and search.begins_with_the_recipe else None
    completed = [record for record in arm.records if record.state == "completed" and record.objectives is not None]
    return Tuning(
        to_the_end=len(completed),
        few=tried < FEWEST_TRIALS and not whole,
        default=not whole and member.values == begun_with,
        at_edge=at_edge(contender.space, member.values, arm.compared) if arm.trials else {},
        spread={
            goal.metric: Statistic.of([record.objectives[i] for record in completed if record.objectives is not None])
            for i, goal in enumerate(contender.goals)
            if completed
        },
    )


def at_edge(space: Space, values: Mapping[str, Any], compared: Container[str]) -> dict[str, Any]:
    """The ``values``, but those ``compared``, that lie on the edge of their domain: a number within :data:`EDGE` of an
    end, the first or last of three or more numbers that are listed in order."""
    found: dict[str, Any] = {}
    for path, domain in space.items():
        if path in values:
            if path not in compared and _on_edge(domain, values[path]):
                found[path] = values[path]
            if isinstance(domain, Choice) and values[path] in domain.then:
                found |= at_edge(domain.then[values[path]], values, compared)
    return found


def _on_edge(domain: Domain, value: Any) -> bool:
    if isinstance(domain, Choice):
        options = domain.options
        numbers = all(isinstance(option, int | float) and not isinstance(option, bool) for option in options)
        ordered = numbers and list(options) in (sorted(options), sorted(options, reverse=True))
        return ordered and len(options) >= FEWEST_OPTIONS and value in (options[0], options[-1])
    between = Float(domain.low, domain.high, log=domain.log)
    return not EDGE < unit_cube.coordinates({"": between}, {"": value})[""] < 1 - EDGE
