"""Truncation selection and perturbation of population-based training (Jaderberg et al. 2017, "Population Based Training
of Neural Networks", algorithm 1 and section 4.1). Pure functions of the seed and the losses."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gibbsweep.study.space import Choice, Domain, Float, Space
from gibbsweep.train.streams import Stream
from gibbsweep.tune.samplers import unit_cube

REPLACED_SHARE = 0.25
"""The share of the members that is replaced, and the share that donors are drawn from."""
FACTORS = (0.8, 1.2)
"""A number is multiplied by one of these, as in the paper."""
RESAMPLING_CHANCE = 0.25
"""The chance of a new value from the whole domain instead, as in the paper's experiments."""


@dataclass(frozen=True)
class Member:
    """A member of a population at the end of a generation."""

    number: int
    """The number of its trial."""
    loss: float
    """Its loss, lower is better; not finite if the member is lost."""
    values: Mapping[str, Any]
    """Searched values by path."""


@dataclass(frozen=True)
class Change:
    """How a member is replaced."""

    donor: int
    """The number of the member from whose checkpoint it goes on."""
    values: dict[str, Any]
    """The values that it goes on with."""


def evolve(
    members: Sequence[Member], space: Space, evolves: Collection[str], *, seed: int, step: int
) -> dict[int, Change]:
    """The members that are replaced after ``step`` updates, by number: all lost ones, and as many of the worst others
    as make it a quarter together. The donor of each is drawn from the best quarter. A member is not replaced if its
    donor is not better: without a difference there is no evidence. If all members are lost, none is replaced."""
    alive = sorted((m for m in members if math.isfinite(m.loss)), key=lambda m: (m.loss, m.number))
    if not alive:
        return {}
    lost = [m for m in members if not math.isfinite(m.loss)]
    quarter = max(1, math.floor(REPLACED_SHARE * len(members)))
    donors = alive[:quarter]
    worst = alive[max(len(donors), len(alive) - max(0, quarter - len(lost))) :]
    changes = {}
    for member in sorted([*lost, *worst], key=lambda m: m.number):
        dice = np.random.default_rng((seed, step, member.number, Stream.EXPLORATION))
        donor = donors[int(dice.integers(len(donors)))]
        if donor.loss < member.loss or not math.isfinite(member.loss):
            changes[member.number] = Change(donor.number, explore(donor.values, space, evolves, dice))
    return changes


def explore(
    values: Mapping[str, Any], space: Space, evolves: Collection[str], dice: np.random.Generator
) -> dict[str, Any]:
    """``values`` with those at the paths of ``evolves`` perturbed, each inside its domain."""
    return {
        path: perturb(domain, values[path], dice) if path in evolves else values[path]
        for path, domain in active_domains(space, values).items()
    }


def perturb(domain: Domain, value: Any, dice: np.random.Generator) -> Any:
    """A new value near ``value``. A number is multiplied by 0.8 or 1.2 and, if it is whole, changes by at least one; an
    option becomes its neighbour in the order of its Choice; with a chance of a quarter the value is drawn from the
    whole domain. Values stay within their bounds."""
    again, coordinate, up = dice.random() < RESAMPLING_CHANCE, dice.random(), int(dice.integers(2))
    if again:
        return unit_cube.values_at({"": domain}, {"": coordinate}, {})[""]
    if isinstance(domain, Choice):
        index = domain.options.index(value)
        return domain.options[min(max(index + (1 if up else -1), 0), len(domain.options) - 1)]
    moved = value * FACTORS[up]
    if isinstance(domain, Float):
        return min(max(moved, domain.low), domain.high)
    whole = round(moved)
    if whole == value:
        whole += 1 if moved > value or (moved == value and up) else -1
    return min(max(whole, domain.low), domain.high)


def active_domains(space: Space, values: Mapping[str, Any]) -> dict[str, Domain]:
    """The domains of the paths that ``values`` has, including those of the branches that ``values`` takes."""
    domains: dict[str, Domain] = {}
    for path, domain in space.items():
        domains[path] = domain
        if isinstance(domain, Choice) and values[path] in domain.then:
            domains |= active_domains(domain.then[values[path]], values)
    return domains
