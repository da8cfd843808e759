"""Points of a search space from points of the unit cube, and back: random, quasi-random and grid search need no model and no history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from scipy.stats import qmc

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Domain, Float, Int, Space, walk


def random_point(space: Space, seed: int, number: int, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Trial ``number``'s values, independent of every other trial's."""
    paths = paths_of(space)
    return at(space, dict(zip(paths, np.random.default_rng((seed, number)).random(len(paths)), strict=True)), fixed)


def sobol_point(space: Space, seed: int, number: int, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Point ``number`` of a scrambled Sobol sequence with a coordinate for every path, the branches' included."""
    paths = paths_of(space)
    sequence = qmc.Sobol(len(paths), scramble=True, rng=np.random.default_rng(seed))
    if number:
        sequence.fast_forward(number)
    return at(space, dict(zip(paths, sequence.random(1)[0], strict=True)), fixed)


def grid(space: Space, trials: int, fixed: Mapping[str, Any], options: int = 1) -> list[dict[str, Any]]:
    """Every combination of the options of each Choice and of m values of each Float and Int, evenly spaced (log: in the logarithm), m as
    large as ``trials`` allows. Raises UserError where the choices alone have more combinations than ``trials``, which so many ``options`` have
    each."""
    points = list(_combinations(space, 1, fixed))
    if len(points) > trials:
        raise UserError(
            f"the grid's smallest form has {len(points)} points{f' for each of {options} compared options' if options > 1 else ''}, and "
            f"{trials * options} trials cannot cover it: use --trials {len(points) * options} or more, or another --sampler."
        )
    continuous = any(isinstance(domain, Float | Int) for path, domain in walk(space) if path not in fixed)
    for m in range(2, trials + 1 if continuous else 2):
        finer = list(islice(_combinations(space, m, fixed), trials + 1))
        if len(finer) > trials:
            break
        points = finer
    return points


def at(space: Space, coordinates: Mapping[str, float], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The values at ``coordinates`` (path -> [0, 1)); a path of ``fixed`` has that value instead."""
    values: dict[str, Any] = {}
    for path, domain in space.items():
        values[path] = fixed[path] if path in fixed else _value(domain, float(coordinates[path]))
        if isinstance(domain, Choice) and values[path] in domain.then:
            values |= at(domain.then[values[path]], coordinates, fixed)
    return values


def coordinates(space: Space, values: Mapping[str, Any]) -> dict[str, float]:
    """Coordinates at which :func:`at` has ``values``, of the paths that these have; of what several coordinates give, the middle one's."""
    found: dict[str, float] = {}
    for path, domain in space.items():
        if path in values:
            found[path] = _coordinate(domain, values[path])
            if isinstance(domain, Choice) and values[path] in domain.then:
                found |= coordinates(domain.then[values[path]], values)
    return found


def _value(domain: Domain, u: float) -> Any:
    if isinstance(domain, Choice):
        return domain.options[min(int(u * len(domain.options)), len(domain.options) - 1)]
    if isinstance(domain, Float):
        return min(max(_between(domain.low, domain.high, u, domain.log), domain.low), domain.high)
    # Half a unit more on each side gives the ends of the range the share of the others.
    whole = round(_between(domain.low - 0.5, domain.high + 0.5, u, domain.log))
    return min(max(whole, domain.low), domain.high)


def _coordinate(domain: Domain, value: Any) -> float:
    if isinstance(domain, Choice):
        return (domain.options.index(value) + 0.5) / len(domain.options)
    margin = 0.5 if isinstance(domain, Int) else 0.0
    return _share(domain.low - margin, domain.high + margin, value, domain.log)


def _between(low: float, high: float, u: float, log: bool) -> float:
    return low * (high / low) ** u if log else low + (high - low) * u


def _share(low: float, high: float, value: float, log: bool) -> float:
    """The inverse of :func:`_between`."""
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _combinations(space: Space, m: int, fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if not space:
        yield {}
        return
    (path, domain), *rest = space.items()
    for value in [fixed[path]] if path in fixed else _spread(domain, m):
        branch: Space = domain.then.get(value, {}) if isinstance(domain, Choice) else {}
        for combination in _combinations({**branch, **dict(rest)}, m, fixed):
            yield {path: value, **combination}


def _spread(domain: Domain, m: int) -> Sequence[Any]:
    if isinstance(domain, Choice):
        return domain.options
    if m == 1:
        middle = _between(domain.low, domain.high, 0.5, domain.log)
        return [round(middle) if isinstance(domain, Int) else middle]
    values = [_between(domain.low, domain.high, i / (m - 1), domain.log) for i in range(m)]
    if isinstance(domain, Int):
        return list(dict.fromkeys(math.floor(value + 0.5) for value in values))
    return [domain.low, *values[1:-1], domain.high]  # its ends exactly, not to a rounding


def paths_of(space: Space) -> list[str]:
    return list(dict.fromkeys(path for path, _ in walk(space)))
