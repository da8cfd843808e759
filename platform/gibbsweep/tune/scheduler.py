"""What a scheduler is, and the forms of it that a person chooses from: it says how far each trial runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from gibbsweep.errors import UserError
from gibbsweep.tune.early_stopping import MedianRule, Stopping, ToTheEnd
from gibbsweep.tune.front_rung import Loss
from gibbsweep.tune.generations import Generations
from gibbsweep.tune.halving import rungs_for, rungs_of
from gibbsweep.tune.promotion import Promotion

SchedulerName = Literal["none", "median", "halving", "stopping", "population"]
Verdict = Literal["go", "prune", "diverge"]


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

    def promote(self, ends: Sequence[float] | None = None) -> tuple[int, int] | None:
        """A waiting trial that is good enough to go on, and what it runs to. It waits no more. ``ends``: what each trial is expected to
        end with, by index, where a model says so: they are ranked by that instead of their reports."""
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
