"""One trial of a search, as the sweep's journal has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from gibbsweep.study.constraint import total
from gibbsweep.study.space import values_from_json
from gibbsweep.tune.journal.attributes import (
    AT,
    CONSTRAINT,
    LOST,
    OTHERS_AT,
    PRUNED,
    Copied,
    as_constraints,
    copies_of,
    reported,
)

STATES = {
    "running": TrialState.RUNNING,
    "paused": TrialState.PRUNED,
    "lost": TrialState.FAIL,
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.FAIL,
    "failed": TrialState.FAIL,
}
"""How a sampler sees a trial. One that waits at a rung counts as pruned there, since it may never go on: its reports are evidence."""


@dataclass
class Record:
    """``values``: searched values by path. ``runs_to``: the updates that the trial may run to now. ``state``: ``running``, ``paused`` at a
    rung, ``lost`` until its generation's end (in a population), or the kind of its outcome. ``value``: the goal at the end, where it was measured. ``reports``: the goal's finite values by updates. ``attrs``: what its sampler must find again,
    and at the end each constraint's violation, as Optuna has it. ``violations``: each constraint's at each report. ``earlier``: how many trials of an earlier sweep the samplers see before this sweep's.
    ``copies``: the checkpoints of others that it went on from, the last with ``values``; ``lost``: the boundaries that it was lost before, and how.
    ``other_values`` and ``other_reports``: where there are several goals those of all but the first, which is in ``value`` and ``reports``.
    ``pruned``: by updates, whether the verdict on a report was to prune, where that was written down."""

    number: int
    trial_id: int
    values: dict[str, Any]
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    runs_to: int
    state: str = "running"
    reports: dict[int, float] = field(default_factory=dict)
    value: float | None = None
    attrs: dict[str, Any] = field(default_factory=dict)
    violations: dict[int, dict[str, float]] = field(default_factory=dict)
    earlier: int = 0
    other_values: tuple[float, ...] = ()
    other_reports: dict[int, tuple[float, ...]] = field(default_factory=dict)
    copies: list[Copied] = field(default_factory=list)
    lost: dict[int, str] = field(default_factory=dict)
    pruned: dict[int, bool] = field(default_factory=dict)
    _first: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    _frozen: FrozenTrial | None = field(default=None, repr=False, compare=False)
    _frozen_at: dict[int, FrozenTrial] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        return self.state not in ("running", "paused", "lost")

    @property
    def first(self) -> dict[str, Any]:
        """The values that it began with."""
        return self.values if self._first is None else self._first

    @property
    def at(self) -> int:
        """The updates that its weights have behind them, as far as is on record."""
        return max((*self.reports, *(copied.step for copied in self.copies)), default=0)

    @property
    def pruned_after(self) -> int | None:
        """The updates of the report whose verdict was to prune; None where there is none. A verdict whose report is not on record does
        not count: the trial reports again."""
        return max((step for step, pruned in self.pruned.items() if pruned and step in self.reports), default=None)

    def take_over(self, copied: Copied) -> None:
        """It goes on from another one's checkpoint."""
        self._first = self.first
        self.copies.append(copied)
        self.values = copied.values

    @property
    def violations_at_the_end(self) -> dict[str, float]:
        """Each constraint's, by its text; empty where there are none, or nothing was measured."""
        return {k.removeprefix(CONSTRAINT): found for k, found in self.attrs.items() if k.startswith(CONSTRAINT)}

    @property
    def violation(self) -> float:
        """How far the ended trial is from satisfying every constraint; 0 where it does."""
        return total(self.violations_at_the_end)

    @property
    def objectives(self) -> tuple[float, ...] | None:
        """Every goal's value at the end; None where they were not measured."""
        return None if self.value is None else (self.value, *self.other_values)

    def reported(self, step: int) -> tuple[float, ...]:
        """Every goal's value in the report after ``step`` updates."""
        return self.reports[step], *self.other_reports.get(step, ())

    def take(self, step: int, values: Sequence[float], found: Mapping[str, float]) -> None:
        """A finite report of every goal, with its violations."""
        self.reports[step], *others = values
        if others:
            self.other_reports[step] = tuple(others)
        if found:
            self.violations[step] = dict(found)
        self._frozen_at.pop(step, None)

    def frozen(self) -> FrozenTrial:
        """As Optuna's samplers read it. Numbers start at 1: 0 is the trial that is being asked for."""
        if self._frozen is not None:
            return self._frozen
        trial = self._as_trial(
            STATES[self.state] if self.value is None else TrialState.COMPLETE, self.objectives, self.attrs
        )
        if self.ended:  # it will not change any more
            self._frozen = trial
        return trial

    def frozen_at(self, step: int) -> FrozenTrial:
        """As if ``step`` were the end of training: completed with its report there, or running."""
        own = {key: value for key, value in self.attrs.items() if not key.startswith(CONSTRAINT)}
        if step not in self.reports:
            return self._as_trial(TrialState.RUNNING, None, own)
        if step not in self._frozen_at:  # making one costs as much as reading it
            there = as_constraints(self.violations.get(step, {}))
            self._frozen_at[step] = self._as_trial(TrialState.COMPLETE, self.reported(step), own | there)
        return self._frozen_at[step]

    def frozen_for(self, goal: int) -> FrozenTrial:
        """As it ended, with the value of one goal alone."""
        return self._as_trial(STATES[self.state], None if self.objectives is None else (self.objectives[goal],), {})

    def _as_trial(self, state: TrialState, values: Sequence[float] | None, attrs: dict[str, Any]) -> FrozenTrial:
        trial = create_trial(
            state=state,
            params=self.params,
            distributions=self.distributions,
            values=values,
            # Optuna orders pruned trials by these, of one objective alone.
            intermediate_values={} if self.other_reports else dict(self.reports),
            system_attrs=attrs,
        )
        trial.number = self.earlier + self.number + 1
        return trial


def recorded(number: int, trial: FrozenTrial, rungs: Sequence[int]) -> Record:
    """The ``number``-th trial of a journal, whose contender pauses at ``rungs``."""
    attrs = trial.user_attrs
    values = trial.values if trial.state == TrialState.COMPLETE else None
    record = Record(
        number,
        trial._trial_id,
        values_from_json(attrs["values"]),
        trial.params,
        trial.distributions,
        attrs["runs_to"],
        state="running" if trial.state == TrialState.RUNNING else attrs["outcome"],
        reports=dict(trial.intermediate_values),
        value=None if values is None else values[0],
        attrs=dict(trial.system_attrs),
        violations=reported(attrs, AT),
        other_values=tuple(values[1:]) if values else (),
        other_reports={step: tuple(found) for step, found in reported(attrs, OTHERS_AT).items()},
        pruned=reported(attrs, PRUNED),
    )
    for copied in copies_of(attrs):
        record.take_over(copied)
    record.lost = reported(attrs, LOST)
    if record.state == "running" and record.runs_to in record.lost:
        record.state = "lost"
    elif record.state == "running" and record.runs_to in rungs and record.runs_to in record.reports:
        record.state = "paused"
    return record
