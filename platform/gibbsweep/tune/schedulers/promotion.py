"""The scheduler under which trials wait at rungs and the best of them go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gibbsweep.tune.schedulers.base import Losses, MedianWindow, is_finite
from gibbsweep.tune.schedulers.rungs import Ladder, assign_brackets, bracket_shares

if TYPE_CHECKING:
    from gibbsweep.tune.schedulers.base import Verdict


class Promotion(MedianWindow):
    """Asynchronous successive halving that pauses (Li et al. 2020, "A System for Massively Parallel Hyperparameter
    Tuning", algorithm 2). A trial waits at its rung with its checkpoint until it is among the best 1/eta of all trials
    that came, early or late. Each bracket has its own ladder, which starts one rung higher than the one before.

    For example::

        scheduler = Promotion(updates=900, steps=(100, 300), eta=3, trials=9)
        scheduler.report(0, 100, (0.7,))
        scheduler.pause(0, 100, promoted=False)
        scheduler.promote()  # None: one of three goes on, and two have not come
    """

    def __init__(
        self,
        updates: int,
        steps: Sequence[int],
        eta: int,
        trials: int,
        brackets: int = 1,
        window: int = 1,
        objectives: int = 1,
    ) -> None:
        super().__init__(updates, window)
        self.rungs = tuple(steps)
        self._ladders = [Ladder(steps[b:], eta, objectives) for b in range(brackets)]
        self._bracket = assign_brackets(trials, bracket_shares(len(steps), brackets, eta))
        self._judgements: dict[tuple[int, int], Losses] = {}
        self._ended: set[int] = set()

    def runs_to(self, index: int) -> int:
        steps = self._ladders[self._bracket[index]].steps
        return steps[0] if steps else self.updates

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        if not is_finite(losses):
            return "diverge"
        self._judgements[index, step] = self._median_report(index, step, losses)
        return "go"

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        rung = self._ladders[self._bracket[index]][step]
        rung.add(index, self._judgements[index, step])
        if promoted:
            rung.remove(index)

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        for ladder in reversed(self._ladders):  # the bracket with the longest trials first: they are the last to end
            promotable = ladder.promotable(ends)
            if promotable is not None:
                return self._move_on(ladder, *promotable)
        return None

    def rescue(self) -> tuple[int, int] | None:
        waiting = [(best[1], ladder, best) for ladder in self._ladders if (best := ladder.best_waiting()) is not None]
        if not waiting:
            return None
        _, ladder, best = max(waiting, key=lambda entry: entry[0])
        return self._move_on(ladder, *best)

    def hopeless(self) -> list[int]:
        hopeless: list[int] = []
        for bracket, ladder in enumerate(self._ladders):
            members = [index for index, assigned in enumerate(self._bracket) if assigned == bracket]
            hopeless += ladder.hopeless(members, self._ended)
        return hopeless

    def close(self, index: int, completed: bool) -> None:
        self._ended.add(index)
        ladder = self._ladders[self._bracket[index]]
        for step in ladder.steps:
            ladder[step].remove(index)

    def _move_on(self, ladder: Ladder, number: int, step: int) -> tuple[int, int]:
        ladder[step].remove(number)
        following = ladder.after(step)
        return number, self.updates if following is None else following
