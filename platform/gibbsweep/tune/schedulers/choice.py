"""The schedulers that a person chooses from, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.base import Scheduler, ToTheEnd
from gibbsweep.tune.schedulers.early_stopping import MedianRule, StopAtRungs
from gibbsweep.tune.schedulers.generations import Generations
from gibbsweep.tune.schedulers.promotion import Promotion
from gibbsweep.tune.schedulers.rungs import rungs_for, rungs_of

SchedulerName = Literal["none", "median", "halving", "stopping", "population"]


@dataclass(frozen=True)
class SchedulerConfig:
    """A scheduler as a person chooses it.

    For example::

        scheduler = SchedulerConfig("halving", eta=3).build(updates=900, trials=9)
    """

    name: SchedulerName = "none"
    """The kind of scheduler."""
    eta: int = 3
    """One of so many trials goes on at each rung."""
    rungs: int | None = None
    """The number of rungs; None for as many as the trials of one arm can fill."""
    brackets: int = 1
    """The number of brackets of successive halving; each starts one rung higher than the one before."""
    window: int = 1
    """A trial is judged by the median of so many of its last reports. More than one suits goals that jitter from report
    to report, as sample distances do."""
    generations: int = 8
    """The number of generations of a population."""

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
        """The scheduler for ``trials`` trials of ``updates`` updates each."""
        if self.name == "none":
            return ToTheEnd(updates)
        if self.name == "median":
            return MedianRule(updates, self.window)
        if self.name == "population":
            if objectives > 1:
                raise UserError(
                    f"--scheduler population compares its members by one goal, and there are {objectives}: "
                    "use halving or none."
                )
            return Generations(updates, self.generations)
        steps = rungs_of(updates, self.eta, self.rungs or rungs_for(trials, self.eta))
        if self.brackets > len(steps) + 1:
            raise UserError(
                f"--brackets {self.brackets} needs {self.brackets - 1} rungs, and {trials} trials of {updates} updates "
                f"have {len(steps)}: ask for at most {len(steps) + 1}, or for more --rungs."
            )
        if self.name == "stopping":
            return StopAtRungs(updates, steps, self.eta, self.window, objectives)
        return Promotion(updates, steps, self.eta, trials, self.brackets, self.window, objectives)
