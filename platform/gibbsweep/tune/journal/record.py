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
    """One trial of a search. Values of goals are tuples with one number for each goal."""

    number: int
    """Counts the trials of the search from 0."""
    trial_id: int
    """Optuna's own number of it."""
    values: dict[str, Any]
    """Searched values by path; in a population those that it trains with now."""
    params: dict[str, Any]
    distributions: dict[str, BaseDistribution]
    runs_to: int
    """Updates that it may run to now."""
    state: str = "running"
    """``running``; ``paused`` at a rung; ``lost`` until the end of its generation, in a population; or the kind of its outcome."""
    reports: dict[int, tuple[float, ...]] = field(default_factory=dict)
    """The goals' values by updates, all finite."""
    objectives: tuple[float, ...] | None = None
    """The goals' values at the end; None where they were not measured."""
    attrs: dict[str, Any] = field(default_factory=dict)
    """What its sampler must find again, and at the end each constraint's violation, both as Optuna has them."""
    violations: dict[int, dict[str, float]] = field(default_factory=dict)
    """By updates, how far the report was from each constraint."""
    warm_start_trials: int = 0
    """How many trials of an earlier sweep its samplers see before those of this one."""
    copies: list[Copied] = field(default_factory=list)
    """The checkpoints of other trials that it went on from; the last one with ``values``."""
    lost: dict[int, str] = field(default_factory=dict)
    """The boundaries of generations that it was lost before, and the kind of each loss."""
    prune_verdicts: dict[int, bool] = field(default_factory=dict)
    """By updates, whether the verdict on a report was to prune, where the journal says."""
    _initial: dict[str, Any] | None = field(default=None, repr=False, compare=False)
    _frozen: FrozenTrial | None = field(default=None, repr=False, compare=False)
    _frozen_at: dict[int, FrozenTrial] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ended(self) -> bool:
        return self.state not in ("running", "paused", "lost")

    @property
    def initial_values(self) -> dict[str, Any]:
        """The values that it began with."""
        return self.values if self._initial is None else self._initial

    @property
    def updates_done(self) -> int:
        """The updates that its weights have behind them, as far as is on record."""
        return max((*self.reports, *(copied.step for copied in self.copies)), default=0)

    @property
    def pruned_after(self) -> int | None:
        """The updates of the report whose verdict was to prune; None where there is none. A verdict whose report is not on record does
        not count: the trial reports again."""
        verdicts = self.prune_verdicts.items()
        return max((step for step, prune in verdicts if prune and step in self.reports), default=None)

    def go_on_from(self, copied: Copied) -> None:
        """Continue from the checkpoint of another trial."""
        self._initial = self.initial_values
        self.copies.append(copied)
        self.values = copied.values

    @property
    def violations_at_the_end(self) -> dict[str, float]:
        """Each constraint's, by its text; empty where there are none, or nothing was measured."""
        return {k.removeprefix(CONSTRAINT): found for k, found in self.attrs.items() if k.startswith(CONSTRAINT)}

    @property
    def violation(self) -> float:
        """How far the ended trial is from satisfying every constraint; 0 where it does."""
        return total_violation(self.violations_at_the_end)

    def add_report(self, step: int, values: tuple[float, ...], violations: Mapping[str, float]) -> None:
        """Keep a finite report of every goal, with its violations."""
        self.reports[step] = values
        if violations:
            self.violations[step] = dict(violations)
        self._frozen_at.pop(step, None)

    def frozen(self) -> FrozenTrial:
        """As Optuna's samplers read it. Numbers start at 1: 0 is the trial that is being asked for."""
        if self._frozen is not None:
            return self._frozen
        state = STATES[self.state] if self.objectives is None else TrialState.COMPLETE
        trial = self._as_trial(state, self.objectives, self.attrs)
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
            self._frozen_at[step] = self._as_trial(TrialState.COMPLETE, self.reports[step], own | there)
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
            intermediate_values={step: values[0] for step, values in self.reports.items() if len(values) == 1},
            system_attrs=attrs,
        )
        trial.number = self.warm_start_trials + self.number + 1
        return trial


def recorded(number: int, trial: FrozenTrial, rungs: Sequence[int]) -> Record:
    """The ``number``-th trial of a journal, whose contender pauses at ``rungs``."""
    attrs = trial.user_attrs
    others = reported(attrs, OTHERS_AT)
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
        violations=reported(attrs, AT),
        prune_verdicts=reported(attrs, PRUNED),
    )
    for copied in copies_of(attrs):
        record.go_on_from(copied)
    record.lost = reported(attrs, LOST)
    if record.state == "running" and record.runs_to in record.lost:
        record.state = "lost"
    elif record.state == "running" and record.runs_to in rungs and record.runs_to in record.reports:
        record.state = "paused"
    return record
