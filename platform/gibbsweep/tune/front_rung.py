"""A rung of successive halving where trials have several losses: the order is that of the fronts of all that came."""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Sequence

from gibbsweep.study.dominance import dominates, front_ranks, ordered

Loss = float | tuple[float, ...]
"""Lower is better; a tuple of several objectives'."""


def is_finite(loss: Loss) -> bool:
    return all(map(math.isfinite, loss)) if isinstance(loss, tuple) else math.isfinite(loss)


def median(losses: Sequence[Loss]) -> Loss:
    """Of each objective by itself."""
    several = [loss for loss in losses if isinstance(loss, tuple)]
    if several:
        return tuple(map(statistics.median, zip(*several, strict=True)))
    return statistics.median(loss for loss in losses if not isinstance(loss, tuple))


def behind_half(loss: Loss, peers: Sequence[Loss]) -> bool:
    """Whether ``loss`` is worse than the median of ``peers``; of several objectives, on a later front than more than half of them."""
    if isinstance(loss, tuple):
        own, *others = front_ranks([loss, *(peer for peer in peers if isinstance(peer, tuple))])
        return sum(rank < own for rank in others) > len(peers) / 2
    middle = median(peers)
    return not isinstance(middle, tuple) and loss > middle


class FrontRung:
    """Like :class:`gibbsweep.tune.halving.Rung`, with trials ranked by :func:`gibbsweep.study.dominance.ordered` (multi-objective
    asynchronous successive halving, Schmucker et al. 2021: non-dominated sorting, ties within a front by an epsilon net). Where any is good
    enough the best in each objective are: of three trials and two objectives two go on, or the end would see one objective alone.

    The order depends on who came, never on when, so that a rung that is filled again after a crash decides the same.
    """

    def __init__(self, eta: int) -> None:
        self._eta = eta
        self._came: list[tuple[int, tuple[float, ...]]] = []  # by number: ties go to the earlier trial
        self._gone: set[int] = set()
        self._order: list[tuple[int, tuple[float, ...]]] = []

    def __len__(self) -> int:
        return len(self._came)

    def add(self, number: int, loss: Loss) -> None:
        bisect.insort(self._came, (number, loss if isinstance(loss, tuple) else (loss,)))
        self._order = []

    def remove(self, number: int) -> None:
        """``number`` is promoted, or has ended: it does not wait any more, and still counts."""
        self._gone.add(number)

    def best_waiting(self) -> int | None:
        """The best trial that waits here, whatever its rank."""
        return self._waiting(len(self._came))

    def promotable(self) -> int | None:
        """The best trial that waits here and is among the best floor(n / eta) of all that came, or the best in each objective."""
        count = len(self._came) // self._eta
        return self._waiting(max(count, self._objectives) if count else 0)

    def numbers(self) -> set[int]:
        """All that came."""
        return {number for number, _ in self._came}

    def hopeless(self, most: int) -> list[int]:
        """Those that wait here and will not be promoted if at most ``most`` come in all: as many dominate them, and these are before them
        whoever comes."""
        count = max(most // self._eta, self._objectives)
        return [
            number
            for number, loss in self._came
            if number not in self._gone
            and (not is_finite(loss) or sum(dominates(other, loss) for _, other in self._came) >= count)
        ]

    def among_best(self, loss: Loss) -> bool:
        """Whether a loss is among the best 1/eta of those that came, itself included; as many as there are objectives are."""
        return any(loss == other for _, other in self._best(max(self._objectives, len(self._came) // self._eta)))

    @property
    def _objectives(self) -> int:
        return len(self._came[0][1]) if self._came else 0

    def _waiting(self, count: int) -> int | None:
        best = self._best(count)
        return next((n for n, loss in best if n not in self._gone and is_finite(loss)), None)

    def _best(self, count: int) -> list[tuple[int, tuple[float, ...]]]:
        if len(self._order) < count:  # no further than it is asked for: the order of a long front costs its square
            found = ordered([loss for _, loss in self._came], count)
            self._order = [self._came[i] for i in found]
        return self._order[:count]
