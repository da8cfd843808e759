"""The largest configuration of a search space, by the weights and buffers of the system that it builds."""

from __future__ import annotations

from typing import Any

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Domain, Space, field_at, with_values
from gibbsweep_models.types import DataSpec, SystemConfig


def largest_values(config: SystemConfig, space: Space, spec: DataSpec) -> dict[str, Any]:
    """The values of ``space``, by path, with which ``config`` builds the largest system.

    One domain after the other gets the value that makes the system largest, with the others as chosen so far. Sizes
    grow with each width and depth of a network by itself, so this finds the largest system of all. It tries both ends
    of a range and all options of a Choice, and the branch of an option only where that option was chosen. A domain that
    makes no difference has no value.
    """
    chosen: dict[str, Any] = {}
    most_bytes = system_bytes(config, spec)
    open_domains = list(space.items())
    while open_domains:
        path, domain = open_domains.pop(0)
        for value in _candidates(domain):
            try:
                candidate_bytes = system_bytes(with_values(config, {**chosen, path: value}), spec)
            except (ValueError, UserError):  # not every combination is a configuration
                continue
            if candidate_bytes > most_bytes:
                most_bytes, chosen = candidate_bytes, {**chosen, path: value}
        if isinstance(domain, Choice):
            below = chosen.get(path, field_at(config, path))
            open_domains += list(domain.then.get(below, {}).items()) if _hashable(below) else []
    return chosen


def system_bytes(config: SystemConfig, spec: DataSpec) -> int:
    """Bytes of the weights and buffers of the system that ``config`` builds."""
    return sum(tensor.numel() * tensor.element_size() for tensor in config.build(spec).state_dict().values())


def _candidates(domain: Domain) -> tuple[Any, ...]:
    return domain.options if isinstance(domain, Choice) else (domain.low, domain.high)


def _hashable(value: Any) -> bool:
    return value.__hash__ is not None
