"""Writes what becomes of a search's trials to the sweep's journal; :mod:`gibbsweep.tune.journal.record` reads it.
Attributes that belong together reach the disk with one flush. The entry that makes the others count is written last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from gibbsweep.study.goal import Goal
from gibbsweep.study.space import Space
from gibbsweep.train import Outcome, OutcomeKind
from gibbsweep.tune.journal.attributes import LENDER, OTHER_OBJECTIVES, PRUNED, VIOLATIONS, as_constraints
from gibbsweep.tune.journal.parameters import parameters
from gibbsweep.tune.journal.record import STATES, Record
from gibbsweep.tune.journal.storage import deferred


def study_in(storage: BaseStorage, name: str, goals: Sequence[Goal]) -> int:
    """The id of the Optuna study ``name``; a new study if the storage has none."""
    if name in (study.study_name for study in storage.get_all_studies()):
        return storage.get_study_id_from_name(name)
    directions = [StudyDirection.MAXIMIZE if g.direction == "maximize" else StudyDirection.MINIMIZE for g in goals]
    return storage.create_new_study(directions, name)


def begin(
    storage: BaseStorage,
    study_id: int,
    number: int,
    space: Space,
    values: dict[str, Any],
    runs_to: int,
    attrs: dict[str, Any],
    *,
    lender: str = "",
) -> Record:
    """Write a new trial. ``attrs``: what its sampler needs on resume. ``lender``: the run that it borrowed values
    from."""
    params, distributions = parameters(space, values)
    template = create_trial(
        state=TrialState.RUNNING,
        params=params,
        distributions=distributions,
        user_attrs={"values": values, "runs_to": runs_to, **({LENDER: lender} if lender else {})},
        system_attrs=attrs,
    )
    trial_id = storage.create_new_trial(study_id, template)
    return Record(number, trial_id, values, params, distributions, runs_to, attrs=attrs, lender=lender)


def go_on(storage: BaseStorage, record: Record, runs_to: int) -> None:
    """Write that a waiting trial runs again, up to ``runs_to`` updates."""
    storage.set_trial_user_attr(record.trial_id, "runs_to", runs_to)
    record.runs_to, record.state = runs_to, "running"


def report(
    storage: BaseStorage,
    record: Record,
    step: int,
    values: tuple[float, ...],
    violations: Mapping[str, float],
    *,
    pruned: bool,
) -> None:
    """Write a finite report of every goal after ``step`` updates, with each constraint's violation and whether the
    trial is to be pruned."""
    first, *others = values
    attributes: dict[str, Any] = {}
    if violations:
        attributes[f"{VIOLATIONS}{step}"] = violations
    if others:
        attributes[f"{OTHER_OBJECTIVES}{step}"] = tuple(others)
    if pruned or step in record.prune_verdicts:  # overwrites a verdict whose report a kill kept out
        attributes[f"{PRUNED}{step}"] = record.prune_verdicts[step] = pruned
    for key, value in attributes.items():
        with deferred(storage):
            storage.set_trial_user_attr(record.trial_id, key, value)
    storage.set_trial_intermediate_value(record.trial_id, step, first)
    record.add_report(step, values, violations)


def end(
    storage: BaseStorage,
    record: Record,
    ended: OutcomeKind,
    outcome: Outcome,
    values: tuple[float, ...] | None,
    violations: Mapping[str, float],
) -> None:
    """Write that the trial has ``ended``, with the ``values`` of the goals and the violations where they were measured.
    Diverged and failed trials are both FAIL to Optuna; the attribute ``outcome`` tells them apart."""
    at_the_end = as_constraints(violations)
    record.attrs |= at_the_end
    with deferred(storage):
        storage.set_trial_user_attr(record.trial_id, "outcome", ended)
        storage.set_trial_user_attr(record.trial_id, "device_seconds", outcome.device_seconds)
        storage.set_trial_user_attr(record.trial_id, "restarts", len(outcome.restarts))
        for key, violation in at_the_end.items():
            storage.set_trial_system_attr(record.trial_id, key, violation)
    record.state, record.objectives = ended, values
    state = STATES[ended] if values is None else TrialState.COMPLETE
    storage.set_trial_state_values(record.trial_id, state, values)
