"""Points of a search space from points of the unit cube, and back: random, quasi-random and grid search.

They depend on the seed and the trial's number alone, as a resumed sweep needs. Optuna's samplers of the same kinds
depend on the state of a study.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Domain, Float, Int, Space, walk


def random_point(space: Space, seed: int, number: int, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Random values of trial ``number``, independent of every other trial's."""
    paths = paths_of(space)
    coordinates_drawn = np.random.default_rng((seed, number)).random(len(paths))
    return values_at(space, dict(zip(paths, coordinates_drawn, strict=True)), fixed)


def sobol_point(space: Space, seed: int, number: int, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The values at point ``number`` of a scrambled Sobol sequence that has a coordinate for every path, branches
    included."""
    from scipy.stats import qmc  # its import takes half as long as PyTorch's, and every trial's process would pay it

    paths = paths_of(space)
    sequence = qmc.Sobol(len(paths), scramble=True, rng=np.random.default_rng(seed))
    if number:
        sequence.fast_forward(number)
    return values_at(space, dict(zip(paths, sequence.random(1)[0], strict=True)), fixed)


def grid(space: Space, trials: int, fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A grid of at most ``trials`` points: every combination of the options of each Choice and of m values of each
    Float and Int, evenly spaced (log: in the logarithm), with the largest m that fits.

    Raises UserError where the choices alone have more combinations than ``trials``."""
    points = list(_combinations(space, 1, fixed))
    if len(points) > trials:
        raise UserError(
            f"the grid's smallest form has {len(points)} points, and there are {trials} trials: use --trials "
            f"{len(points)} or more, or another --sampler."
        )
    continuous = any(isinstance(domain, Float | Int) for path, domain in walk(space) if path not in fixed)
    for m in range(2, trials + 1 if continuous else 2):
        finer = list(islice(_combinations(space, m, fixed), trials + 1))
        if len(finer) > trials:
            break
        points = finer
    return points


def values_at(space: Space, coordinates: Mapping[str, float], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The values at ``coordinates`` (by path, in [0, 1)); a path of ``fixed`` has that value instead."""
    values: dict[str, Any] = {}
    for path, domain in space.items():
        values[path] = fixed[path] if path in fixed else _value(domain, float(coordinates[path]))
        if isinstance(domain, Choice) and values[path] in domain.then:
            values |= values_at(domain.then[values[path]], coordinates, fixed)
    return values


def coordinates(space: Space, values: Mapping[str, Any]) -> dict[str, float]:
    """The coordinates, by path, at which :func:`values_at` gives ``values``. Where an interval of coordinates gives a
    value, this is its middle."""
    by_path: dict[str, float] = {}
    for path, domain in space.items():
        if path in values:
            by_path[path] = _coordinate(domain, values[path])
            if isinstance(domain, Choice) and values[path] in domain.then:
                by_path |= coordinates(domain.then[values[path]], values)
    return by_path


def _value(domain: Domain, u: float) -> Any:
    """The value of ``domain`` at the coordinate ``u`` in [0, 1)."""
    if isinstance(domain, Choice):
        return domain.options[min(int(u * len(domain.options)), len(domain.options) - 1)]
    if isinstance(domain, Float):
        return min(max(_between(domain.low, domain.high, u, domain.log), domain.low), domain.high)
    # Half a unit more on each side gives the two ends of the range as large a share as the other integers.
    whole = round(_between(domain.low - 0.5, domain.high + 0.5, u, domain.log))
    return min(max(whole, domain.low), domain.high)


def _coordinate(domain: Domain, value: Any) -> float:
    """The inverse of :func:`_value`."""
    if isinstance(domain, Choice):
        return (domain.options.index(value) + 0.5) / len(domain.options)
    margin = 0.5 if isinstance(domain, Int) else 0.0
    return _share(domain.low - margin, domain.high + margin, value, domain.log)


def _between(low: float, high: float, u: float, log: bool) -> float:
    """The number at the share ``u`` of the way from ``low`` to ``high``, or of the way between their logarithms."""
    return low * (high / low) ** u if log else low + (high - low) * u


def _share(low: float, high: float, value: float, log: bool) -> float:
    """The inverse of :func:`_between`."""
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _combinations(space: Space, m: int, fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination of values of ``space`` with ``m`` values of each number."""
    if not space:
        yield {}
        return
    (path, domain), *rest = space.items()
    for value in [fixed[path]] if path in fixed else _spread(domain, m):
        branch: Space = domain.then.get(value, {}) if isinstance(domain, Choice) else {}
        for combination in _combinations({**branch, **dict(rest)}, m, fixed):
            yield {path: value, **combination}


def _spread(domain: Domain, m: int) -> Sequence[Any]:
    """``m`` values of ``domain``, evenly spaced; all options of a Choice."""
    if isinstance(domain, Choice):
        return domain.options
    if m == 1:
        middle = _between(domain.low, domain.high, 0.5, domain.log)
        return [round(middle) if isinstance(domain, Int) else middle]
    values = [_between(domain.low, domain.high, i / (m - 1), domain.log) for i in range(m)]
    if isinstance(domain, Int):
        return list(dict.fromkeys(math.floor(value + 0.5) for value in values))
    return [domain.low, *values[1:-1], domain.high]  # the two ends exactly, not up to rounding


def paths_of(space: Space) -> list[str]:
    """All paths of ``space``, those of branches included, each once."""
    return list(dict.fromkeys(path for path, _ in walk(space)))
