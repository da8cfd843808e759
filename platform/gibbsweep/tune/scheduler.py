"""How far each trial runs: to the end, until its peers are better, or from rung to rung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from gibbsweep.errors import UserError
from gibbsweep.tune.front_rung import Loss, behind_half, is_finite, median
from gibbsweep.tune.generations import Generations
from gibbsweep.tune.halving import Ladder, assign_brackets, bracket_shares, rungs_for, rungs_of

SchedulerName = Literal["none", "median", "halving", "stopping", "population"]
Verdict = Literal["go", "prune", "diverge"]

_MEDIAN_PEERS = 4  # finished peers before a median means anything


class Scheduler(Protocol):
    """Decides over the trials of one contender with one compared option. ``index`` counts them from 0; losses (a tuple of them where
    there are several objectives) are lower is better.

    It keeps nothing that it was not told, and it can be told again: after a crash it is rebuilt from the trials on record.
    """

    rungs: tuple[int, ...]
    """Updates, below the budget's end, at which a trial must report."""

    def runs_to(self, index: int) -> int:
        """The updates that a new trial runs to before it pauses."""
        ...

    def report(self, index: int, step: int, loss: Loss) -> Verdict:
        """Take a report of a running trial."""
        ...

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        """The trial has reached the rung it was to run to, and waits there, unless it went on long ago (``promoted``)."""
        ...

    def promote(self) -> tuple[int, int] | None:
        """A waiting trial that is good enough to go on, and what it runs to. It waits no more."""
        ...

    def rescue(self) -> tuple[int, int] | None:
        """The best waiting trial, good enough or not, and what it runs to: asked for when nothing else is left and nothing completed."""
        ...

    def hopeless(self) -> list[int]:
        """The waiting trials that :meth:`promote` will never return, whatever is reported from now on."""
        ...

    def close(self, index: int, completed: bool) -> None:
        """The trial has ended."""
        ...


@dataclass(frozen=True)
class SchedulerForm:
    """What a person chooses. ``rungs`` None: as many as the trials of an option can fill. ``window``: a trial is judged by the median
    of so many of its last reports, for goals that jitter from report to report as sample distances do."""

    name: SchedulerName = "none"
    eta: int = 3
    rungs: int | None = None
    brackets: int = 1
    window: int = 1
    generations: int = 8

    def __post_init__(self) -> None:
        if self.name not in get_args(SchedulerName):
            raise UserError(
                f"there is no scheduler {self.name!r}: use --scheduler {'|'.join(get_args(SchedulerName))}."
            )
        for field, least in (("eta", 2), ("brackets", 1), ("window", 1), ("generations", 2)):
            if getattr(self, field) < least:
                raise UserError(f"--{field} must be at least {least}: got {getattr(self, field)}.")
        if self.rungs is not None and self.rungs < 1:
            raise UserError(f"--rungs must be at least 1: got {self.rungs}; --scheduler none has no rungs.")

    def build(self, updates: int, trials: int, objectives: int = 1) -> Scheduler:
        """For ``trials`` trials of ``updates`` updates each."""
        if self.name == "none":
            return ToTheEnd(updates)
        if self.name == "median":
            return MedianRule(updates, self.window)
        if self.name == "population":
            if objectives > 1:
                raise UserError(
                    f"--scheduler population compares its members by one goal, and there are {objectives}: use halving or none."
                )
            return Generations(updates, self.generations)
        steps = rungs_of(updates, self.eta, self.rungs or rungs_for(trials, self.eta))
        if self.brackets > len(steps) + 1:
            raise UserError(
                f"--brackets {self.brackets} needs {self.brackets - 1} rungs, and {trials} trials of {updates} updates have "
                f"{len(steps)}: ask for at most {len(steps) + 1}, or for more --rungs."
            )
        if self.name == "stopping":
            return Stopping(updates, steps, self.eta, self.window, objectives)
        return Promotion(updates, steps, self.eta, trials, self.brackets, self.window, objectives)


class ToTheEnd:
    """Every trial runs to the end."""

    def __init__(self, updates: int) -> None:
        self.updates = updates
        self.rungs: tuple[int, ...] = ()

    def runs_to(self, index: int) -> int:
        return self.updates

    def report(self, index: int, step: int, loss: Loss) -> Verdict:
        return "go"

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        raise ValueError(f"trial {index} paused at update {step}, and nothing pauses under this scheduler")

    def promote(self) -> tuple[int, int] | None:
        return None

    def rescue(self) -> tuple[int, int] | None:
        return None

    def hopeless(self) -> list[int]:
        return []

    def close(self, index: int, completed: bool) -> None:
        """Nothing to remember."""


class _Judged(ToTheEnd):
    """Keeps the last reports of each running trial; judges by their median, of each objective by itself."""

    def __init__(self, updates: int, window: int) -> None:
        super().__init__(updates)
        self._window = window
        self._reports: dict[int, list[tuple[int, Loss]]] = {}

    def _judged(self, index: int, step: int, loss: Loss) -> Loss:
        """The median of the last reports of the trial, this one included; a report that is told again counts once."""
        kept = [entry for entry in self._reports.get(index, []) if entry[0] < step] + [(step, loss)]
        self._reports[index] = kept[-self._window :]
        # A report that is not finite ends its trial: there is none among these.
        return median([loss for _, loss in self._reports[index]])


class MedianRule(_Judged):
    """Stops a trial that is worse at its report than the median of its finished peers at theirs (Golovin et al. 2017, section 3.2.2, with
    the values at the step instead of running averages); of several objectives, one on a later front than more than half of them."""

    def __init__(self, updates: int, window: int = 1) -> None:
        super().__init__(updates, window)
        self._curves: dict[int, dict[int, Loss]] = {}
        self._peers: set[int] = set()

    def report(self, index: int, step: int, loss: Loss) -> Verdict:
        if not is_finite(loss):
            return "diverge"
        judged = self._judged(index, step, loss)
        self._curves.setdefault(index, {})[step] = judged
        peers = [curve[step] for peer in self._peers if step in (curve := self._curves.get(peer, {}))]
        return "prune" if len(peers) >= _MEDIAN_PEERS and behind_half(judged, peers) else "go"

    def close(self, index: int, completed: bool) -> None:
        if completed:
            self._peers.add(index)
        else:
            self._curves.pop(index, None)


class Stopping(_Judged):
    """Stops a trial that is not among the best 1/eta at a rung when it gets there (the stopping variant of asynchronous halving: what was
    stopped early by bad luck stays stopped, and nothing waits)."""

    def __init__(self, updates: int, steps: Sequence[int], eta: int, window: int = 1, objectives: int = 1) -> None:
        super().__init__(updates, window)
        self.rungs = tuple(steps)
        self._ladder = Ladder(steps, eta, objectives)
        self._passed: set[tuple[int, int]] = set()

    def report(self, index: int, step: int, loss: Loss) -> Verdict:
        if not is_finite(loss):
            return "diverge"
        judged = self._judged(index, step, loss)
        if step not in self.rungs or (index, step) in self._passed:
            return "go"
        self._passed.add((index, step))
        self._ladder[step].add(index, judged)
        return "go" if self._ladder[step].among_best(judged) else "prune"


class Promotion(_Judged):
    """Asynchronous successive halving that pauses (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", algorithm
    2): a trial waits at its rung with its checkpoint until it is among the best 1/eta of all that came there, early or late. Each
    bracket has a ladder of its own that starts one rung higher."""

    def __init__(
        self, updates: int, steps: Sequence[int], eta: int, trials: int, brackets: int = 1, window: int = 1, objectives: int = 1
    ) -> None:  # fmt: skip
        super().__init__(updates, window)
        self.rungs = tuple(steps)
        self._ladders = [Ladder(steps[b:], eta, objectives) for b in range(brackets)]
        self._bracket = assign_brackets(trials, bracket_shares(len(steps), brackets, eta))
        self._judgements: dict[tuple[int, int], Loss] = {}
        self._ended: set[int] = set()

    def runs_to(self, index: int) -> int:
        steps = self._ladders[self._bracket[index]].steps
        return steps[0] if steps else self.updates

    def report(self, index: int, step: int, loss: Loss) -> Verdict:
        if not is_finite(loss):
            return "diverge"
        self._judgements[index, step] = self._judged(index, step, loss)
        return "go"

    def pause(self, index: int, step: int, *, promoted: bool) -> None:
        rung = self._ladders[self._bracket[index]][step]
        rung.add(index, self._judgements[index, step])
        if promoted:
            rung.remove(index)

    def promote(self) -> tuple[int, int] | None:
        for ladder in reversed(self._ladders):  # the bracket with the longest trials first: they are the last to end
            found = ladder.promotable()
            if found is not None:
                return self._moved(ladder, *found)
        return None

    def rescue(self) -> tuple[int, int] | None:
        waiting = [
            (found[1], ladder, found) for ladder in self._ladders if (found := ladder.best_waiting()) is not None
        ]
        if not waiting:
            return None
        _, ladder, found = max(waiting, key=lambda entry: entry[0])
        return self._moved(ladder, *found)

    def hopeless(self) -> list[int]:
        found: list[int] = []
        for bracket, ladder in enumerate(self._ladders):
            members = [index for index, own in enumerate(self._bracket) if own == bracket]
            found += ladder.hopeless(members, self._ended)
        return found

    def close(self, index: int, completed: bool) -> None:
        self._ended.add(index)
        ladder = self._ladders[self._bracket[index]]
        for step in ladder.steps:
            ladder[step].remove(index)

    def _moved(self, ladder: Ladder, number: int, step: int) -> tuple[int, int]:
        ladder[step].remove(number)
        following = ladder.after(step)
        return number, self.updates if following is None else following
