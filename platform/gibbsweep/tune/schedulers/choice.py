"""What a scheduler is, and the forms of it that a person chooses from: it says how far each trial runs."""

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
            return StopAtRungs(updates, steps, self.eta, self.window, objectives)
        return Promotion(updates, steps, self.eta, trials, self.brackets, self.window, objectives)
