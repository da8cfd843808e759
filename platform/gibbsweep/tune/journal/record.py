"""One trial of a search, as the sweep's journal has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from gibbsweep.study.constraint import total_violation
from gibbsweep.study.space import values_from_json
from gibbsweep.tune.journal.attributes import (
    CONSTRAINT,
    LENDER,
    LOST,
    OTHER_OBJECTIVES,
    PRUNED,
    VIOLATIONS,
    DonorCheckpoint,
    as_constraints,
    by_updates,
    copies_of,
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
"""Optuna's state of a trial, as its samplers see it. A trial that waits at a rung counts as pruned, since it may never
go on: its reports are evidence."""


@dataclass
class Record:
    """One trial of a search. Values of goals are tuples with one number for each goal.

    For example::

        record = Record(0, trial_id, {"k": 1}, {"k": 1}, distributions, runs_to=100)
        record.add_report(100, (0.7,), {})
        record.frozen()  # the trial as Optuna's samplers read it
    """

    number: int
    """The trial's number in its search, counted from 0."""
    trial_id: int
    """Optuna's own number of the trial."""
    values: dict[str, Any]
    """Searched values by path; in a population the values that the trial trains with now."""
    params: dict[str, Any]
    """The values as Optuna's parameters."""
    distributions: dict[str, BaseDistribution]
    """The domains of the parameters as Optuna's distributions."""
    runs_to: int
    """Updates up to which the trial may run now."""
    state: str = "running"
    """``running``; ``paused`` at a rung; ``lost`` until the end of its generation, in a population; or the kind of its
    outcome."""
    reports: dict[int, tuple[float, ...]] = field(default_factory=dict)
    """The goals' values by updates, all finite."""
    objectives: tuple[float, ...] | None = None
    """The goals' values at the end; None if they were not measured."""
    attrs: dict[str, Any] = field(default_factory=dict)
    """What its sampler needs on resume and, once the trial has ended, each constraint's violation, both as Optuna's
    system attributes."""
    violations: dict[int, dict[str, float]] = field(default_factory=dict)
    """Each constraint's violation at the reports, by updates."""
    warm_start_trials: int = 0
    """How many trials of an earlier sweep its sampler sees before those of this sweep."""
    lender: str = ""
    """The run that it borrowed values from; "" if it borrowed none."""
    copies: list[DonorCheckpoint] = field(default_factory=list)
    """The checkpoints of other trials from which this one went on, in order; the last one's values are ``values``."""
    lost: dict[int, str] = field(default_factory=dict)
    """How the trial was lost in a generation, by the updates at which the generation ends."""
    prune_verdicts: dict[int, bool] = field(default_factory=dict)
    """Whether the verdict on a report was to prune, by updates, as far as the journal has verdicts."""
    _initial: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    _frozen: FrozenTrial | None = field(default=None, repr=False, compare=False)
    _frozen_at: dict[int, FrozenTrial] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        """Whether the trial has an outcome."""
        return self.state not in ("running", "paused", "lost")

    @property
    def initial_values(self) -> dict[str, Any]:
        """The values that the trial began with."""
        return self.values if self._initial is None else self._initial

    @property
    def updates_done(self) -> int:
        """Updates that the trial's weights have behind them, as far as the journal has them."""
        return max((*self.reports, *(copy.step for copy in self.copies)), default=0)

    @property
    def pruned_after(self) -> int | None:
        """Updates of the report whose verdict was to prune; None without such a report. A verdict whose report is not
        in the journal does not count, since the trial reports again."""
        verdicts = self.prune_verdicts.items()
        return max((step for step, prune in verdicts if prune and step in self.reports), default=None)

    def go_on_from(self, copy: DonorCheckpoint) -> None:
        """Continue from the checkpoint of another trial."""
        self._initial = self.initial_values
        self.copies.append(copy)
        self.values = copy.values

    @property
    def violations_at_the_end(self) -> dict[str, float]:
        """Each constraint's violation by its text; empty without constraints or if nothing was measured."""
        return {
            k.removeprefix(CONSTRAINT): violation for k, violation in self.attrs.items() if k.startswith(CONSTRAINT)
        }

    @property
    def violation(self) -> float:
        """How far the ended trial is from satisfying every constraint; 0 if it satisfies them all."""
        return total_violation(self.violations_at_the_end)

    def add_report(self, step: int, values: tuple[float, ...], violations: Mapping[str, float]) -> None:
        """Add a finite report of every goal, with its violations."""
        self.reports[step] = values
        if violations:
            self.violations[step] = dict(violations)
        self._frozen_at.pop(step, None)

    def frozen(self) -> FrozenTrial:
        """The trial as Optuna's samplers read it. Numbers start at 1: 0 is the number of the trial whose values are
        being sampled."""
        if self._frozen is not None:
            return self._frozen
        state = STATES[self.state] if self.objectives is None else TrialState.COMPLETE
        trial = self._as_trial(state, self.objectives, self.attrs)
        if self.ended:  # it will not change any more
            self._frozen = trial
        return trial

    def frozen_at(self, step: int) -> FrozenTrial:
        """The trial as if training ended after ``step`` updates: completed with its report at that step, or running."""
        attrs = {key: value for key, value in self.attrs.items() if not key.startswith(CONSTRAINT)}
        if step not in self.reports:
            return self._as_trial(TrialState.RUNNING, None, attrs)
        if step not in self._frozen_at:  # making one costs as much as reading it
            violations = as_constraints(self.violations.get(step, {}))
            self._frozen_at[step] = self._as_trial(TrialState.COMPLETE, self.reports[step], attrs | violations)
        return self._frozen_at[step]

    def frozen_for(self, goal: int) -> FrozenTrial:
        """The ended trial with the value of one goal alone."""
        return self._as_trial(STATES[self.state], None if self.objectives is None else (self.objectives[goal],), {})

    def _as_trial(self, state: TrialState, values: Sequence[float] | None, attrs: dict[str, Any]) -> FrozenTrial:
        trial = create_trial(
            state=state,
            params=self.params,
            distributions=self.distributions,
            values=values,
            # Optuna orders pruned trials by these, of one objective alone.
            intermediate_values={step: values[0] for step, values in self.reports.items() if len(values) == 1},
            system_attrs=attrs,
        )
        trial.number = self.warm_start_trials + self.number + 1
        return trial


def record_of(number: int, trial: FrozenTrial, rungs: Sequence[int]) -> Record:
    """The ``number``-th trial of a journal, whose contender pauses at ``rungs``."""
    attrs = trial.user_attrs
    others = by_updates(attrs, OTHER_OBJECTIVES)
    record = Record(
        number,
        trial._trial_id,
        values_from_json(attrs["values"]),
        trial.params,
        trial.distributions,
        attrs["runs_to"],
        state="running" if trial.state == TrialState.RUNNING else attrs["outcome"],
        reports={step: (value, *others.get(step, ())) for step, value in trial.intermediate_values.items()},
        objectives=tuple(trial.values) if trial.state == TrialState.COMPLETE else None,
        attrs=dict(trial.system_attrs),
        violations=by_updates(attrs, VIOLATIONS),
        prune_verdicts=by_updates(attrs, PRUNED),
        lender=attrs.get(LENDER, ""),
    )
    for copy in copies_of(attrs):
        record.go_on_from(copy)
    record.lost = by_updates(attrs, LOST)
    if record.state == "running" and record.runs_to in record.lost:
        record.state = "lost"
    elif record.state == "running" and record.runs_to in rungs and record.runs_to in record.reports:
        record.state = "paused"
    return record
