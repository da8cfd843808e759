"""Finite search spaces: how many configurations one has, and which of them is nearest to a point and still untried."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from gibbsweep.study.space import Choice, Domain, Float, Space
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.samplers.encoding import encode

_MOST_LISTED = 5_000
"""A space of more configurations is not listed: some of its configurations are drawn instead."""
_DRAWN = 200


def configurations(space: Space, fixed: Mapping[str, Any]) -> int | None:
    """The number of configurations in ``space`` whose paths in ``fixed`` have those values; None if it is infinite."""
    count = 1
    for path, domain in space.items():
        if path in fixed and not (isinstance(domain, Choice) and domain.then):
            continue
        if isinstance(domain, Float):
            return None
        if isinstance(domain, Choice):
            below = [
                configurations(domain.then.get(option, {}), fixed)
                for option in ([fixed[path]] if path in fixed else domain.options)
            ]
            if None in below:
                return None
            count *= sum(one for one in below if one is not None)
        else:
            count *= domain.high - domain.low + 1
    return count


def nearest_untried(
    space: Space,
    values: Mapping[str, Any],
    tried: Collection[Mapping[str, Any]],
    fixed: Mapping[str, Any],
    *,
    seed: int,
    number: int,
) -> dict[str, Any]:
    """The configuration of the finite ``space`` that is nearest to ``values`` and not among those that were ``tried``;
    ``values`` itself if each was. ``seed`` and ``number`` (the trial's) decide what is drawn of a large space."""
    if values not in tried:
        return dict(values)
    count = configurations(space, fixed)
    if count is None or count <= _MOST_LISTED:
        candidates = list(_listed(space, fixed))
    else:
        candidates = [unit_cube.random_point(space, seed, number * _DRAWN + i, fixed) for i in range(_DRAWN)]
    untried = [candidate for candidate in candidates if candidate not in tried]
    if not untried:
        return dict(values)
    here = encode(space, values)
    distances = [float(np.linalg.norm(encode(space, candidate) - here)) for candidate in untried]
    return untried[min(range(len(untried)), key=lambda i: (round(distances[i], 9), i))]


def _listed(space: Space, fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every configuration of a finite ``space``."""
    parts = [list(_values_of(path, domain, fixed)) for path, domain in space.items()]
    for combination in itertools.product(*parts):
        yield {path: value for part in combination for path, value in part.items()}


def _values_of(path: str, domain: Domain, fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every value of ``domain`` with every configuration of its branch."""
    if isinstance(domain, Choice):
        for option in [fixed[path]] if path in fixed else domain.options:
            for below in _listed(domain.then.get(option, {}), fixed):
                yield {path: option, **below}
    else:
        values = [fixed[path]] if path in fixed else range(math.ceil(domain.low), math.floor(domain.high) + 1)
        for value in values:
            yield {path: value}
