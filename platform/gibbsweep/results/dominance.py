"""Dominance in several objectives at once, for vectors of losses: lower is better in every component."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Losses = Sequence[float]
"""One loss for each objective."""


def dominates(a: Losses, b: Losses) -> bool:
    """Whether ``a`` is at least as good as ``b`` in every objective and better in one."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def front_ranks(losses: Sequence[Losses]) -> list[int]:
    """The front of each vector: front 0 is dominated by none, front 1 by those of front 0 alone, and so on.

    This is non-dominated sorting (Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II",
    section III.A). Equal vectors share a front.
    """
    unique = sorted({tuple(vector) for vector in losses})
    rank = {unique[i]: rank for rank, front in enumerate(_fronts(unique)) for i in front}
    return [rank[tuple(vector)] for vector in losses]


def spread(losses: Sequence[Losses], count: int | None = None) -> list[int]:
    """The positions of ``count`` vectors of one front (None: all) in the order in which they represent it best.

    The best in each objective come first, in the objectives' order. Then comes always the vector farthest from those
    before it, with each objective in units of its range on the front. Ties go to the earlier position.

    The second part is the epsilon-net order by which Schmucker et al. 2021, "Multi-objective Asynchronous Successive
    Halving", break ties within a front. They start it from any member; here it starts from the extremes.
    """
    count = len(losses) if count is None else min(count, len(losses))
    if not count:
        return []
    points = np.asarray(losses, dtype=np.float64)
    extremes = [int(np.argmin(points[:, objective])) for objective in range(points.shape[1])]
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    nearest = np.full(len(points), math.inf)
    chosen: list[int] = []
    for following in dict.fromkeys(extremes):
        _place(following, chosen, nearest, scaled)
    while len(chosen) < count:
        _place(int(np.argmax(nearest)), chosen, nearest, scaled)
    return chosen[:count]


def order_by_fronts(losses: Sequence[Losses], count: int | None = None) -> list[int]:
    """The positions of the best ``count`` vectors (None: all), best first.

    They are ordered by front, and within a front by :func:`spread`. Vectors with a loss that is not finite come last.
    """
    count = len(losses) if count is None else count
    positions: dict[tuple[float, ...], list[int]] = {}
    not_finite = []
    for i, vector in enumerate(losses):
        if all(map(math.isfinite, vector)):
            positions.setdefault(tuple(vector), []).append(i)
        else:
            not_finite.append(i)
    unique, order = sorted(positions), list[int]()
    for members in _fronts(unique):
        if len(order) >= count:
            break
        front = sorted(i for member in members for i in positions[unique[member]])
        order += [front[i] for i in spread([losses[i] for i in front], count - len(order))]
    return [*order, *not_finite][:count]


def hypervolume(losses: Sequence[Losses], reference: Losses) -> float:
    """The volume that vectors dominate up to ``reference`` (Zitzler & Thiele 1999).

    Only vectors that are better than ``reference`` in every objective count. The volume is summed by slices along the
    last objective, so it is meant for few objectives and short fronts.
    """
    inside = sorted({tuple(v) for v in losses if all(x < r for x, r in zip(v, reference, strict=True))})
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - inside[0][0]
    levels = sorted({vector[-1] for vector in inside})
    return math.fsum(
        (above - level) * hypervolume([vector[:-1] for vector in inside if vector[-1] <= level], reference[:-1])
        for level, above in zip(levels, [*levels[1:], reference[-1]], strict=True)
    )


def _place(i: int, chosen: list[int], nearest: NDArray[np.float64], scaled: NDArray[np.float64]) -> None:
    """Append ``i`` to ``chosen`` and update ``nearest``: each vector's squared distance to the nearest chosen one, or
    -1 for a chosen vector."""
    chosen.append(i)
    np.minimum(nearest, ((scaled - scaled[i]) ** 2).sum(axis=1), out=nearest)
    nearest[i] = -1.0


def _fronts(unique: Sequence[tuple[float, ...]]) -> Iterator[list[int]]:
    """Yield the positions on front 0, then those on front 1, and so on, for different vectors in rising order.

    With three objectives or more, a front is searched only when it is asked for.
    """
    if unique and len(unique[0]) == 2:
        fronts: list[list[int]] = []
        for i, rank in enumerate(_ranks_of_pairs(unique)):
            if rank == len(fronts):
                fronts.append([])
            fronts[rank].append(i)
        yield from fronts
        return
    left = list(range(len(unique)))
    points = np.asarray(unique, dtype=np.float64)
    front = np.empty_like(points)
    while left:
        members: list[int] = []
        beaten = []
        for i in left:
            # In rising order no vector is dominated by a later one. They differ: one that is nowhere worse dominates.
            if (front[: len(members)] <= points[i]).all(axis=1).any():
                beaten.append(i)
            else:
                front[len(members)] = points[i]
                members.append(i)
        yield members
        left = beaten


def _ranks_of_pairs(unique: Sequence[tuple[float, ...]]) -> list[int]:
    """The fronts of different pairs in rising order, in n log n steps (Jensen 2003).

    The last pair of each front so far has its smallest second loss, and these losses rise from front to front. So
    bisection finds the first front whose last pair does not dominate.
    """
    last: list[float] = []
    ranks = []
    for _, second in unique:
        rank = bisect.bisect_right(last, second)
        last[rank : rank + 1] = [second]
        ranks.append(rank)
    return ranks
