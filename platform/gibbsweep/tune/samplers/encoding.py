"""Points of a search space as vectors that a model can measure distances between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.study.space import Choice, Domain, Space
from gibbsweep.tune.samplers import unit_cube

_ABSENT = 0.5


def encode(space: Space, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """``values`` in the unit cube, with a coordinate for each number and each choice between numbers (its rank: 16, 32 and 64 lie in a
    row) and one for each option of any other choice. What lies in a branch not taken is in the middle."""
    return np.array(list(_coordinates(space, values)))


def _coordinates(space: Space, values: Mapping[str, Any]) -> Iterator[float]:
    for path, domain in space.items():
        yield from _of(domain, path, values)
        if isinstance(domain, Choice):
            for option, branch in domain.then.items():
                yield from _coordinates(branch, values if path in values and values[path] == option else {})


def _of(domain: Domain, path: str, values: Mapping[str, Any]) -> Iterator[float]:
    if not isinstance(domain, Choice):
        yield unit_cube.coordinates({path: domain}, values)[path] if path in values else _ABSENT
    elif all(isinstance(option, Real) for option in domain.options):  # True and False are 1 and 0
        ranks = sorted(domain.options)
        yield ranks.index(values[path]) / max(len(ranks) - 1, 1) if path in values else _ABSENT
    else:
        for option in domain.options:
            yield float(values[path] == option) if path in values else _ABSENT
