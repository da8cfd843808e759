"""Successive halving: at rungs of more and more updates the best 1/eta go on. Pure bookkeeping: knows no Ray, no Optuna, no files."""

from __future__ import annotations

import bisect
import heapq
import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from gibbsweep.errors import UserError
from gibbsweep.results.dominance import dominates, ordered
from gibbsweep.tune.schedulers.base import Loss, is_finite


def rungs_of(updates: int, eta: int, count: int) -> tuple[int, ...]:
    """``count`` rungs below ``updates``: updates / eta^count, ..., updates / eta, rounded up, each once and each before the end."""
    if eta < 2:
        raise UserError(f"--eta must be at least 2: got {eta}; 3 keeps a third at each rung.")
    found = (math.ceil(updates / eta**k) for k in range(count, 0, -1))
    return tuple(dict.fromkeys(rung for rung in found if 0 < rung < updates))


MOST_RUNGS = 3
"""Unless more are asked for: what a model does in a hundredth of its training says little of how it ends."""


def rungs_for(trials: int, eta: int) -> int:
    """How many rungs so many trials can fill: one of them is left for the end."""
    return min(MOST_RUNGS, max(1, math.floor(math.log(max(trials, 1), eta) + 1e-9)))


def bracket_shares(rungs: int, brackets: int, eta: int) -> list[float]:
    """The share of trials that starts in each bracket, bracket b at rung b: proportional to eta^-b / (rungs + 1 - b), so that brackets
    cost about the same, as in Hyperband (Li et al. 2018, algorithm 1)."""
    weights = [eta**-b * (rungs + 1) / (rungs + 1 - b) for b in range(brackets)]
    return [weight / sum(weights) for weight in weights]


def assign_brackets(trials: int, shares: Sequence[float]) -> list[int]:
    """The bracket of each trial: always the one that lags its share the most, so it takes no random number."""
    counts = [0] * len(shares)
    assigned = []
    for n in range(1, trials + 1):
        chosen = max(range(len(shares)), key=lambda b: (shares[b] * n - counts[b], -b))
        counts[chosen] += 1
        assigned.append(chosen)
    return assigned


class Rung:
    """The trials that have reached one rung. Losses: lower is better; one that is not finite is never promoted. Of one objective: for
    several see :class:`gibbsweep.tune.schedulers.rungs.FrontRung`."""

    def __init__(self, eta: int) -> None:
        self._eta = eta
        self._sorted: list[tuple[float, int]] = []
        self._waiting: list[tuple[float, int]] = []  # a heap of those that were not promoted
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, number: int, loss: Loss) -> None:
        loss = _alone(loss)
        entry = (loss if math.isfinite(loss) else math.inf, number)
        bisect.insort(self._sorted, entry)
        heapq.heappush(self._waiting, entry)

    def remove(self, number: int) -> None:
        """``number`` is promoted, or has ended: it does not wait any more, and still counts."""
        self._gone.add(number)

    def best_waiting(self) -> int | None:
        """The best trial that waits here, whatever its rank."""
        while self._waiting and self._waiting[0][1] in self._gone:
            heapq.heappop(self._waiting)
        return self._waiting[0][1] if self._waiting and math.isfinite(self._waiting[0][0]) else None

    def numbers(self) -> set[int]:
        """All that came."""
        return {number for _, number in self._sorted}

    def hopeless(self, most: int) -> list[int]:
        """Those that wait here and will not be among the best floor(n / eta) if at most ``most`` come in all: nobody's rank gets better."""
        return [
            number
            for rank, (loss, number) in enumerate(self._sorted)
            if number not in self._gone and (rank >= most // self._eta or not math.isfinite(loss))
        ]

    def promotable(self) -> int | None:
        """The best trial that waits here and is among the best floor(n / eta) of all that came."""
        number = self.best_waiting()
        if number is None:
            return None
        rank = bisect.bisect_left(self._sorted, self._waiting[0])
        return number if rank < len(self._sorted) // self._eta else None

    def promotable_by(self, ends: Sequence[float]) -> int | None:
        """The trial that waits here with the least of ``ends``, if that is among the least floor(n / eta) of all that came."""
        best = heapq.nsmallest(
            len(self._sorted) // self._eta, self.numbers(), key=lambda number: (ends[number], number)
        )
        return next((number for number in best if number not in self._gone), None)

    def among_best(self, loss: Loss) -> bool:
        """Whether a loss is among the best 1/eta of those that came, itself included; the first one is."""
        rank = bisect.bisect_left(self._sorted, (_alone(loss), -1))
        return rank < max(1, len(self._sorted) // self._eta)


def _alone(loss: Loss) -> float:
    if isinstance(loss, tuple):
        raise TypeError(f"a rung of one objective got {len(loss)} losses, {loss}: say so when its ladder is built")
    return loss


def _promotable(rung: Rung | FrontRung, ends: Sequence[float] | None) -> int | None:
    return rung.promotable() if ends is None or isinstance(rung, FrontRung) else rung.promotable_by(ends)


class Ladder:
    """The rungs of one bracket: ``steps`` of updates, lowest first."""

    def __init__(self, steps: Sequence[int], eta: int, objectives: int = 1) -> None:
        self.steps = tuple(steps)
        self._rungs = {step: FrontRung(eta) if objectives > 1 else Rung(eta) for step in self.steps}

    def __getitem__(self, step: int) -> Rung | FrontRung:
        return self._rungs[step]

    def after(self, step: int) -> int | None:
        """The next rung; None for the end of training."""
        index = self.steps.index(step) + 1
        return self.steps[index] if index < len(self.steps) else None

    def promotable(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        """The trial to go on and the rung where it waits: the highest rung that has one (asynchronous successive halving, Li et al.
        2020, algorithm 2). ``ends``: what to rank trials by instead of their reports; several objectives have none."""
        found = ((_promotable(self._rungs[step], ends), step) for step in reversed(self.steps))
        return next(((number, step) for number, step in found if number is not None), None)

    def hopeless(self, members: Iterable[int], ended: AbstractSet[int]) -> list[int]:
        """The trials that wait at a rung and will not be promoted from it, whatever still comes. ``members``: all trials of this
        ladder, started or not; ``ended``: those of them that have ended."""
        found: list[int] = []
        coming = set(members) - ended  # to the rung that is looked at
        for step in self.steps:
            arrived = self._rungs[step].numbers()
            coming -= arrived
            here = self._rungs[step].hopeless(len(arrived) + len(coming))
            found += here
            coming |= arrived - ended - set(here)
        return found

    def best_waiting(self) -> tuple[int, int] | None:
        """The best trial at the highest rung where one waits."""
        found = ((self._rungs[step].best_waiting(), step) for step in reversed(self.steps))
        return next(((number, step) for number, step in found if number is not None), None)


class FrontRung:
    """Like :class:`gibbsweep.tune.schedulers.rungs.Rung`, with trials ranked by :func:`gibbsweep.results.dominance.ordered` (multi-objective
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
