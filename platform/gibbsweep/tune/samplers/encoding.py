"""Points of a search space as vectors that a model can measure distances between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.study.space import Choice, Domain, Space
from gibbsweep.tune.samplers import unit_cube

_ABSENT = 0.5  # coordinate of a value that a point does not have


def encode(space: Space, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Encode ``values`` as a vector in the unit cube.

    A number has one coordinate, and so has a choice between numbers (its rank: 16, 32 and 64 lie in a row). Any other
    choice has one coordinate for each option. A value in a branch that was not chosen lies in the middle."""
    return np.array(list(_coordinates(space, values)))


def _coordinates(space: Space, values: Mapping[str, Any]) -> Iterator[float]:
    for path, domain in space.items():
        yield from _coordinates_of(domain, path, values)
        if isinstance(domain, Choice):
            for option, branch in domain.then.items():
                yield from _coordinates(branch, values if path in values and values[path] == option else {})


def _coordinates_of(domain: Domain, path: str, values: Mapping[str, Any]) -> Iterator[float]:
    if not isinstance(domain, Choice):
        yield unit_cube.coordinates({path: domain}, values)[path] if path in values else _ABSENT
    elif all(isinstance(option, Real) for option in domain.options):  # True and False are 1 and 0
        ranks = sorted(domain.options)
        yield ranks.index(values[path]) / max(len(ranks) - 1, 1) if path in values else _ABSENT
    else:
        for option in domain.options:
            yield float(values[path] == option) if path in values else _ABSENT
