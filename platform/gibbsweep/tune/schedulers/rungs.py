"""Successive halving: at rungs of more and more updates the best 1/eta go on. Pure bookkeeping without Ray, Optuna or
files."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.base import Losses
from gibbsweep.tune.schedulers.order import ByFronts, ByLoss, Order


def rungs_of(updates: int, eta: int, count: int) -> tuple[int, ...]:
    """``count`` rungs below ``updates``: updates / eta^count, ..., updates / eta, rounded up, each once and each before
    the end."""
    if eta < 2:
        raise UserError(f"--eta must be at least 2: got {eta}; 3 keeps a third at each rung.")
    rungs = (math.ceil(updates / eta**k) for k in range(count, 0, -1))
    return tuple(dict.fromkeys(rung for rung in rungs if 0 < rung < updates))


MOST_RUNGS = 3
"""The most rungs that a scheduler chooses by itself: what a model does in a hundredth of its training says little about
how it ends."""


def rungs_for(trials: int, eta: int) -> int:
    """How many rungs ``trials`` trials can fill, so that one trial is left for the end."""
    return min(MOST_RUNGS, max(1, math.floor(math.log(max(trials, 1), eta) + 1e-9)))


def bracket_shares(rungs: int, brackets: int, eta: int) -> list[float]:
    """The share of trials that starts in each bracket, bracket b at rung b: proportional to eta^-b / (rungs + 1 - b),
    so that brackets cost about the same, as in Hyperband (Li et al. 2018, algorithm 1)."""
    weights = [eta**-b * (rungs + 1) / (rungs + 1 - b) for b in range(brackets)]
    return [weight / sum(weights) for weight in weights]


def assign_brackets(trials: int, shares: Sequence[float]) -> list[int]:
    """The bracket of each trial: always the one that lags its share the most, without a random number."""
    counts = [0] * len(shares)
    assigned = []
    for n in range(1, trials + 1):
        chosen = max(range(len(shares)), key=lambda b: (shares[b] * n - counts[b], -b))
        counts[chosen] += 1
        assigned.append(chosen)
    return assigned


class Rung:
    """The trials that have reached one rung. Lower losses are better; a trial whose losses are not finite is never
    promoted.

    For example::

        rung = Rung(eta=3)
        rung.add(0, (0.7,))
        rung.promotable()  # None: one of three goes on, and two have not come
    """

    def __init__(self, eta: int, objectives: int = 1) -> None:
        self._eta = eta
        self._order: Order = ByLoss() if objectives == 1 else ByFronts(objectives)
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self._order)

    def add(self, number: int, losses: Losses) -> None:
        """Add trial ``number``, which has come with ``losses``."""
        self._order.add(number, losses)

    def remove(self, number: int) -> None:
        """Note that trial ``number`` is promoted or has ended: it waits no more, and still counts."""
        self._gone.add(number)

    def numbers(self) -> set[int]:
        """All trials that came."""
        return self._order.numbers()

    def best_waiting(self) -> int | None:
        """The best trial that waits at the rung, whatever its rank."""
        return self._order.first(len(self), self._gone)

    def promotable(self, ends: Sequence[float] | None = None) -> int | None:
        """The best trial that waits at the rung and is among the best floor(n / eta) of the n that came; with several
        objectives, also one that is the best in an objective. ``ends``: the loss that each trial is expected to end
        with, by number. Trials of one objective are then ranked by it instead of by their reports."""
        count = len(self) // self._eta
        if ends is None:
            return self._order.first(max(count, self._order.least) if count else 0, self._gone)
        best = heapq.nsmallest(count, self.numbers(), key=lambda number: (ends[number], number))
        return next((number for number in best if number not in self._gone), None)

    def hopeless(self, most: int) -> list[int]:
        """The trials that wait at the rung and will not be promoted if at most ``most`` trials come in all."""
        return self._order.behind(most // self._eta, self._gone)

    def among_best(self, losses: Losses) -> bool:
        """Whether ``losses``, which have come, are among the best 1/eta; the first losses that come are."""
        return self._order.has(losses, max(self._order.least, len(self) // self._eta))


class Ladder:
    """The rungs of one bracket.

    For example::

        ladder = Ladder(steps=(100, 300), eta=3)
        ladder[100].add(0, (0.7,))
        ladder.promotable()  # None: one of three goes on
    """

    def __init__(self, steps: Sequence[int], eta: int, objectives: int = 1) -> None:
        self.steps = tuple(steps)
        self._rungs = {step: Rung(eta, objectives) for step in self.steps}

    def __getitem__(self, step: int) -> Rung:
        return self._rungs[step]

    def after(self, step: int) -> int | None:
        """The next rung; None for the end of training."""
        index = self.steps.index(step) + 1
        return self.steps[index] if index < len(self.steps) else None

    def promotable(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        """The trial to go on and the rung at which it waits. The highest rung that has such a trial comes first
        (asynchronous successive halving, Li et al. 2020, algorithm 2). ``ends``: the losses to rank trials by instead
        of their reports; None with several objectives."""
        promotable = ((self._rungs[step].promotable(ends), step) for step in reversed(self.steps))
        return next(((number, step) for number, step in promotable if number is not None), None)

    def hopeless(self, members: Iterable[int], ended: AbstractSet[int]) -> list[int]:
        """The trials that wait at a rung and will not be promoted from it, whatever is still reported. ``members``: all
        trials of this ladder, started or not; ``ended``: the members that have ended."""
        hopeless: list[int] = []
        coming = set(members) - ended  # to the rung that is looked at
        for step in self.steps:
            arrived = self._rungs[step].numbers()
            coming -= arrived
            stuck = self._rungs[step].hopeless(len(arrived) + len(coming))
            hopeless += stuck
            coming |= arrived - ended - set(stuck)
        return hopeless

    def best_waiting(self) -> tuple[int, int] | None:
        """The best trial at the highest rung where one waits, and that rung."""
        waiting = ((self._rungs[step].best_waiting(), step) for step in reversed(self.steps))
        return next(((number, step) for number, step in waiting if number is not None), None)
