"""Learning curves to simulate a sweep on: synthetic curves, and the curves of a sweep that was run."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from optuna.trial import TrialState

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Float, Space
from gibbsweep.train import Segment
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.record import record_of
from gibbsweep.tune.journal.storage import open_storage


class Curves(Protocol):
    """The results that training with given values would have. A trial always has the same curve."""

    @property
    def config(self) -> Any:
        """The configuration that a person would start from."""
        ...

    @property
    def space(self) -> Space:
        """The space that is searched."""
        ...

    @property
    def updates(self) -> int:
        """The updates of a whole training."""
        ...

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The validation loss of trial ``number`` after ``step`` updates; NaN once it has diverged."""
        ...

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The loss without the noise of its measurement: what the trial's checkpoint is worth."""
        ...

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        """Device-seconds of an update."""
        ...


@runtime_checkable
class ScheduledCurves(Curves, Protocol):
    """Curves that also know values which change over the updates, as a population's do."""

    def quality_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        """``quality`` of weights that were trained with the values of each segment from its start on."""
        ...

    def loss_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        """``loss`` of weights that were trained with the values of each segment from its start on."""
        ...


@dataclass(frozen=True)
class SyntheticConfig:
    """The values that :class:`SyntheticCurves` start from."""

    learning_rate: float = 1e-3
    """Learning rate."""
    momentum: float = 0.9
    """Momentum; the effective rate is learning_rate / (1.02 - momentum)."""
    width: int = 32
    """Width; an update takes 0.5 + width / 64 seconds."""
    weight_decay: float = 1e-2
    """Weight decay, which matters less than the rate and the width."""
    dropout: float = 0.3
    """Dropout, which matters less still."""
    ema: float = 0.999
    """Decay of the average of the weights, which matters least."""


SPACE: Space = {
    "learning_rate": Float(1e-4, 1.0, log=True),
    "momentum": Float(0.0, 0.99),
    "width": Choice(16, 32, 64, 128),
    "weight_decay": Float(1e-6, 1e-1, log=True),
    "dropout": Float(0.0, 0.5),
    "ema": Float(0.9, 0.999),
}
"""The space of :class:`SyntheticCurves`."""


@dataclass(frozen=True)
class SyntheticCurves:
    """A loss that falls as a power of the updates to a floor: floor + (1 - floor) / (1 + rate step / updates)^.7, with
    noise::

        curves = SyntheticCurves(seed=1)
        curves.loss({**vars(curves.config), "width": 64}, number=0, step=27)

    As in training a network, a larger learning rate falls faster and to a worse floor, so that curves cross and early
    ranks mislead. Above a rate that depends on the momentum the loss diverges. Width costs time; three fields matter
    less and less. The values with the lowest floor are drawn from the seed; the noise of a report is drawn from the
    seed, the trial and the step.

    Where values change, the progress adds up and the floor is that of the present values: floor + (1 - floor) / (1 +
    sum of rate times updates / all updates)^.7. So a network keeps what a large rate has learned, and loses its noise
    under a small one. The progress towards a divergence adds up as well.
    """

    seed: int = 0
    """Seed of the best values and of the noise."""
    updates: int = 81
    """Updates of a whole training."""
    noise: float = 0.01
    """Standard deviation of the noise of a report."""

    config: SyntheticConfig = field(default=SyntheticConfig(), init=False)
    """The values to start from."""

    @property
    def space(self) -> Space:
        """The space that is searched."""
        return SPACE

    @cached_property
    def optimum(self) -> tuple[float, ...]:
        """The values with the lowest floor: log10 of the effective rate, log2 of the width, log10 of the weight decay,
        the dropout, and the decay of the average."""
        low, high = (-2.0, 4.5, -5.0, 0.0, 0.95), (-1.0, 6.5, -3.0, 0.3, 0.999)
        return tuple(float(x) for x in np.random.default_rng((self.seed, 2**31)).uniform(low, high))

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The validation loss of trial ``number`` after ``step`` updates, with noise; NaN once it has diverged."""
        return self.loss_along((Segment(0, values),), number, step)

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The loss without the noise of its measurement."""
        return self.quality_along((Segment(0, values),), number, step)

    def loss_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        """``loss`` of weights that were trained with the values of each segment from its start on."""
        noise = float(np.random.default_rng((self.seed, number, step)).standard_normal())
        return self.quality_along(schedule, number, step) + self.noise * noise

    def quality_along(self, schedule: Sequence[Segment], number: int, step: int) -> float:
        """``quality`` of weights that were trained with the values of each segment from its start on."""
        progress = overheating = 0.0  # the loss diverges where the overheating reaches 1
        ends = [*(segment.start for segment in schedule[1:]), step]
        for segment, end in zip(schedule, ends, strict=True):
            log_rate = _log_rate(segment.values)
            updates = min(end, step) - segment.start
            if updates <= 0:
                break
            progress += 30.0 * math.pow(10, 0.6 * (log_rate + 1.5)) * updates / self.updates
            overheating += updates / (self.updates * math.pow(10, 0.5 - log_rate)) if log_rate > 0.5 else 0.0
        if overheating >= 1:
            return math.nan
        present = next(segment for segment in reversed(schedule) if segment.start < step)
        floor = self._floor(present.values)
        return float(floor + max(1 - floor, 0.0) / (1 + progress) ** 0.7)

    def _floor(self, values: Mapping[str, Any]) -> float:
        log_rate, log_width, log_decay, dropout, ema = self.optimum
        floor: float = (
            0.05
            + 0.05 * (_log_rate(values) - log_rate) ** 2
            + 0.02 * (math.log2(values["width"]) - log_width) ** 2
            + 0.01 * (math.log10(values["weight_decay"]) - log_decay) ** 2
            + 0.2 * (values["dropout"] - dropout) ** 2
            + 5.0 * (values["ema"] - ema) ** 2
        )
        return floor

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        """Device-seconds of an update."""
        return 0.5 + float(values["width"]) / 64


def _log_rate(values: Mapping[str, Any]) -> float:
    """log10 of the effective rate."""
    return math.log10(values["learning_rate"] / (1.02 - values["momentum"]))


@dataclass(frozen=True)
class RecordedConfig:
    """The values that :class:`RecordedCurves` start from."""

    trial: int = 0
    """Number of a recorded trial."""


class RecordedCurves:
    """The curves of the trials of a sweep that was run, drawn again. The search space has one choice: the recorded
    trial::

        curves = RecordedCurves(SweepDir(Path("runs/cd_k-1")), "rbm")
        curves.loss({"trial": 3}, number=0, step=200)

    Between two reports a trial has the value of the earlier one. A trial that was stopped early keeps its last value;
    one that diverged is NaN after it.
    """

    config: RecordedConfig
    """The values to start from."""
    space: Space
    """The choice of a recorded trial."""
    updates: int
    """Updates of the longest trial."""
    objectives: int
    """Number of goals of the sweep."""
    range: tuple[float, float]
    """The least and the greatest loss of all reports."""

    def __init__(self, sweep: SweepDir, contender: str, objective: int = 0) -> None:
        """``objective``: which of the contender's goals. Raises UserError where the sweep has no such contender, or no
        reports of it."""
        storage = open_storage(sweep)
        contenders = [study.study_name for study in storage.get_all_studies()]
        if contender not in contenders:
            raise UserError(
                f"sweep {sweep.name!r} has no search of {contender!r}: it has {', '.join(contenders) or 'none'}."
            )
        study_id = storage.get_study_id_from_name(contender)
        directions = storage.get_study_directions(study_id)
        self.objectives = len(directions)
        sign = -1.0 if directions[objective].name == "MAXIMIZE" else 1.0
        trials = [t for t in storage.get_all_trials(study_id, deepcopy=False) if t.state != TrialState.RUNNING]
        self._trials = [trial for trial in trials if trial.intermediate_values]
        if not self._trials:
            raise UserError(
                f"the trials of {contender!r} in sweep {sweep.name!r} have no reports to draw from: choose another."
            )
        self._steps = [sorted(trial.intermediate_values) for trial in self._trials]
        records = [record_of(number, trial, ()) for number, trial in enumerate(self._trials)]
        self._losses = [[sign * r.reports[s][objective] for s in sorted(r.reports)] for r in records]
        self.range = min(map(min, self._losses)), max(map(max, self._losses))
        self.updates = max(steps[-1] for steps in self._steps)
        self.config = RecordedConfig()
        self.space = {"trial": Choice(*range(len(self._trials)))}

    def loss(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The loss that the drawn trial had reported by ``step`` updates; NaN once it has diverged."""
        drawn: int = values["trial"]
        report = bisect.bisect_right(self._steps[drawn], step) - 1
        if self._trials[drawn].state == TrialState.FAIL and step > self._steps[drawn][-1]:
            return math.nan
        return self._losses[drawn][max(report, 0)]

    def quality(self, values: Mapping[str, Any], number: int, step: int) -> float:
        """The same as ``loss``: the noise of a recorded report is not known."""
        return self.loss(values, number, step)

    def seconds(self, values: Mapping[str, Any], number: int) -> float:
        """Device-seconds of an update of the drawn trial, on average."""
        drawn: int = values["trial"]
        return float(self._trials[drawn].user_attrs.get("device_seconds") or 1.0) / self._steps[drawn][-1]
