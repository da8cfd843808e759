"""Schedulers under which a trial runs to the end, or until it is behind its peers; none waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gibbsweep.tune.schedulers.base import Judged, Losses, behind_half, is_finite
from gibbsweep.tune.schedulers.rungs import Ladder

if TYPE_CHECKING:
    from gibbsweep.tune.schedulers.base import Verdict

_MEDIAN_PEERS = 4  # finished peers before a median means anything


class MedianRule(Judged):
    """Stops a trial that is worse at its report than the median of its finished peers at theirs (Golovin et al. 2017, section 3.2.2, with
    the values at the step instead of running averages); of several objectives, one on a later front than more than half of them."""

    def __init__(self, updates: int, window: int = 1) -> None:
        super().__init__(updates, window)
        self._curves: dict[int, dict[int, Losses]] = {}
        self._peers: set[int] = set()

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        if not is_finite(losses):
            return "diverge"
        judged = self._judged(index, step, losses)
        self._curves.setdefault(index, {})[step] = judged
        peers = [curve[step] for peer in self._peers if step in (curve := self._curves.get(peer, {}))]
        return "prune" if len(peers) >= _MEDIAN_PEERS and behind_half(judged, peers) else "go"

    def close(self, index: int, completed: bool) -> None:
        if completed:
            self._peers.add(index)
        else:
            self._curves.pop(index, None)


class StopAtRungs(Judged):
    """Stops a trial that is not among the best 1/eta at a rung when it gets there (the stopping variant of asynchronous halving: what was
    stopped early by bad luck stays stopped, and nothing waits)."""

    def __init__(self, updates: int, steps: Sequence[int], eta: int, window: int = 1, objectives: int = 1) -> None:
        super().__init__(updates, window)
        self.rungs = tuple(steps)
        self._ladder = Ladder(steps, eta, objectives)
        self._passed: set[tuple[int, int]] = set()

    def report(self, index: int, step: int, losses: Losses) -> Verdict:
        if not is_finite(losses):
            return "diverge"
        judged = self._judged(index, step, losses)
        if step not in self.rungs or (index, step) in self._passed:
            return "go"
        self._passed.add((index, step))
        self._ladder[step].add(index, judged)
        return "go" if self._ladder[step].among_best(judged) else "prune"
