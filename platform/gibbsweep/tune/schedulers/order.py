"""The order of the trials that have reached a rung: by their one loss, or by the fronts of several."""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Set as AbstractSet
from typing import Protocol

from gibbsweep.results.dominance import dominates, order_by_fronts
from gibbsweep.tune.schedulers.base import Losses, is_finite


class Order(Protocol):
    """Ranks trials by their losses, the best first. The order depends on which trials came, never on when, so a rung
    that is filled again after a crash decides the same."""

    least: int
    """How many places a rung that promotes any trial has at least: one for the best trial in each objective."""

    def __len__(self) -> int: ...

    def add(self, number: int, losses: Losses) -> None:
        """Add trial ``number``, which has come with ``losses``."""
        ...

    def numbers(self) -> set[int]:
        """All trials that came."""
        ...

    def first(self, count: int, gone: AbstractSet[int]) -> int | None:
        """The best trial that is not ``gone`` and has finite losses, if it is among the first ``count``."""
        ...

    def has(self, losses: Losses, count: int) -> bool:
        """Whether ``losses``, which have come, are among the first ``count``."""
        ...

    def behind(self, count: int, gone: AbstractSet[int]) -> list[int]:
        """The trials that are not ``gone`` and will not be among the first ``count``, whichever trials still come."""
        ...


class ByLoss:
    """The order of one loss; the earlier trial comes first of two with equal losses.

    For example::

        order = ByLoss()
        order.add(0, (0.7,))
        order.first(1, gone=set())  # 0
    """

    least = 1

    def __init__(self) -> None:
        self._sorted: list[tuple[float, int]] = []
        # A heap; trials that are gone are removed when they come up.
        self._waiting: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, number: int, losses: Losses) -> None:
        (loss,) = losses
        entry = (loss if math.isfinite(loss) else math.inf, number)
        bisect.insort(self._sorted, entry)
        heapq.heappush(self._waiting, entry)

    def numbers(self) -> set[int]:
        return {number for _, number in self._sorted}

    def first(self, count: int, gone: AbstractSet[int]) -> int | None:
        while self._waiting and self._waiting[0][1] in gone:
            heapq.heappop(self._waiting)
        if not self._waiting or not math.isfinite(self._waiting[0][0]):
            return None
        rank = bisect.bisect_left(self._sorted, self._waiting[0])
        return self._waiting[0][1] if rank < count else None

    def has(self, losses: Losses, count: int) -> bool:
        return bisect.bisect_left(self._sorted, (losses[0], -1)) < count

    def behind(self, count: int, gone: AbstractSet[int]) -> list[int]:
        return [
            number
            for rank, (loss, number) in enumerate(self._sorted)  # no rank gets better
            if number not in gone and (rank >= count or not math.isfinite(loss))
        ]


class ByFronts:
    """The order of several losses: by non-dominated fronts, and within a front by an epsilon net (multi-objective
    asynchronous successive halving, Schmucker et al. 2021); see :func:`gibbsweep.results.dominance.ordered`.

    If any trial is good enough, so are the best in each objective. Of three trials with two objectives two go on; with
    one, no trial would be trained to the end for the other objective.

    For example::

        order = ByFronts(objectives=2)
        order.add(0, (0.7, 12.0))
        order.first(1, gone=set())  # 0
    """

    def __init__(self, objectives: int) -> None:
        self.least = objectives
        self._came: list[tuple[int, Losses]] = []  # by number: ties go to the earlier trial
        self._order: list[tuple[int, Losses]] = []

    def __len__(self) -> int:
        return len(self._came)

    def add(self, number: int, losses: Losses) -> None:
        bisect.insort(self._came, (number, losses))
        self._order = []

    def numbers(self) -> set[int]:
        return {number for number, _ in self._came}

    def first(self, count: int, gone: AbstractSet[int]) -> int | None:
        best = self._best(count)
        return next((number for number, losses in best if number not in gone and is_finite(losses)), None)

    def has(self, losses: Losses, count: int) -> bool:
        return any(losses == other for _, other in self._best(count))

    def behind(self, count: int, gone: AbstractSet[int]) -> list[int]:
        count = max(count, self.least)
        return [
            number
            for number, losses in self._came
            if number not in gone
            and (not is_finite(losses) or sum(dominates(other, losses) for _, other in self._came) >= count)
        ]

    def _best(self, count: int) -> list[tuple[int, Losses]]:
        count = min(count, len(self._came))
        if len(self._order) < count:  # sorted only as far as needed: the cost is quadratic
            self._order = [self._came[i] for i in order_by_fronts([losses for _, losses in self._came], count)]
        return self._order[:count]
