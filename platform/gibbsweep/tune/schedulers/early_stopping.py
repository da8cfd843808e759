"""Schedulers under which a trial runs to the end or until it is behind its peers; no trial waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gibbsweep.tune.schedulers.base import Losses, MedianWindow, behind_half, is_finite
from gibbsweep.tune.schedulers.rungs import Ladder

if TYPE_CHECKING:
    from gibbsweep.tune.schedulers.base import Verdict

_MEDIAN_PEERS = 4  # finished peers before a median means anything


class MedianRule(MedianWindow):
    """Stops a trial whose report is worse than the median of the finished trials at the same updates (Golovin et al.
    2017, section 3.2.2, with the values at the step instead of running averages). With several objectives it stops a
    trial that is on a later front than more than half of the finished ones.

    For example::

        rule = MedianRule(updates=900)
        rule.report(0, 100, (0.7,))  # "go": no trial has finished yet
    """

    def __init__(self, updates: int, window: int = 1) -> None:
        super().__init__(updates, window)
        self._curves: dict[int, dict[int, Losses]] = {}
        self._peers: set[int] = set()

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        if not is_finite(losses):
            return "diverge"
        median_losses = self._median_report(index, step, losses)
        self._curves.setdefault(index, {})[step] = median_losses
        peers = [curve[step] for peer in self._peers if step in (curve := self._curves.get(peer, {}))]
        return "prune" if len(peers) >= _MEDIAN_PEERS and behind_half(median_losses, peers) else "go"

    def close(self, index: int, completed: bool) -> None:
        if completed:
            self._peers.add(index)
        else:
            self._curves.pop(index, None)


class StopAtRungs(MedianWindow):
    """Stops a trial that is not among the best 1/eta of those that have reached its rung by then. It is the stopping
    variant of asynchronous halving: a trial that bad luck stopped early stays stopped, and no trial waits.

    For example::

        scheduler = StopAtRungs(updates=900, steps=(100, 300), eta=3)
        scheduler.report(0, 100, (0.7,))  # "go": the first trial at a rung is the best one
    """

    def __init__(self, updates: int, steps: Sequence[int], eta: int, window: int = 1, objectives: int = 1) -> None:
        super().__init__(updates, window)
        self.rungs = tuple(steps)
        self._ladder = Ladder(steps, eta, objectives)
        self._passed: set[tuple[int, int]] = set()

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        if not is_finite(losses):
            return "diverge"
        median_losses = self._median_report(index, step, losses)
        if step not in self.rungs or (index, step) in self._passed:
            return "go"
        self._passed.add((index, step))
        self._ladder[step].add(index, median_losses)
        return "go" if self._ladder[step].among_best(median_losses) else "prune"
