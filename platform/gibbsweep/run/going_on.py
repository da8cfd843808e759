"""A run that begins with the checkpoint of another one, under other values of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gibbsweep.errors import UserError
from gibbsweep.folder import CheckpointCopy, read_copies
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.assignment import Assignment
from gibbsweep.run.recorded import RecordedRun, as_json
from gibbsweep.study.space import field_at, with_values
from gibbsweep.train import Segment
from gibbsweep.train.checkpoint import form_of, goes_on, has_checkpoint, refuse_removed
from gibbsweep.train.copy_checkpoint import Snapshot, begin_from, snapshot
from gibbsweep_models.types import DataSpec, SystemConfig


@dataclass(frozen=True)
class Beginning:
    """Where a run begins that goes on from another one."""

    donor: RecordedRun
    """The run that it goes on from."""
    snapshot: Snapshot | None
    """Its checkpoint; None where the run that goes on has one of its own already."""
    step: int
    """Updates of that checkpoint."""

    def write(self, assignment: Assignment) -> None:
        """Put the checkpoint into the folder of ``assignment``, which no other process uses."""
        if self.snapshot is None:
            return
        before, values = as_json(assignment.config), dict(assignment.schedule[-1].values)
        changed = {path: (before[path], value) for path, value in values.items()}
        copy = CheckpointCopy(self.step, self.donor.name, values, changed)
        begin_from(assignment.run_dir, self.snapshot, copy)


def beginning_of(donor: RecordedRun, run_dir: Path | None = None) -> Beginning:
    """Where a run begins that goes on from ``donor``: where the one in ``run_dir`` began before, if there is one, else
    at the checkpoint that ``donor`` has now, also while that trains. Raises UserError where it has none, or one that
    nothing goes on from."""
    begun = [copy for copy in read_copies(run_dir) if copy.done] if run_dir is not None else []
    if begun:
        if begun[0].donor != donor.name:
            raise UserError(f"{run_dir} goes on from {begun[0].donor}, not from {donor.name}: choose another --name.")
        return Beginning(donor, None, begun[0].step)
    checkpoint = donor.folder.checkpoint
    refuse_removed(checkpoint)
    if not has_checkpoint(checkpoint):
        raise UserError(f"{donor.folder.path} has no checkpoint yet: wait for its first report, or name another run.")
    if not goes_on(checkpoint):
        raise UserError(f"{donor.folder.path} was fitted at once: there is nothing to go on from; name another run.")
    taken = snapshot(checkpoint)
    return Beginning(donor, taken, int(taken.state["step"]))


def going_on(assignment: Assignment, beginning: Beginning, changes: Mapping[str, Any]) -> Assignment:
    """``assignment``, whose configuration is that of the donor, as one that goes on from the ``beginning`` with
    ``changes``. Raises UserError where nothing is left to train."""
    step, budget = beginning.step, assignment.budget
    if budget.updates <= step:
        raise UserError(
            f"{beginning.donor.name} has {step} updates behind it, and {budget.updates} were asked for: ask for more "
            f"with --updates {2 * step}."
        )
    if not budget.reports_at(step):
        budget = replace(budget, also_at=(*budget.also_at, step))
    schedule = Segment(0), Segment(step, dict(changes))
    return replace(assignment, budget=budget, schedule=schedule, evolves=tuple(changes))


def check_goes_on(config: SystemConfig, changes: Mapping[str, Any], spec: DataSpec, name: str) -> None:
    """Raise UserError for the first of ``changes`` of ``config`` under which the checkpoint of run ``name`` does not go
    on: the size of a network, another optimiser. ``name``: what the person called it."""
    before = form(config, spec)
    for path, value in changes.items():
        changed = with_values(config, {path: value})
        if why := form_difference(before, form(changed, spec), field_at(config, path), value):
            raise UserError(
                f"{path}={value!r} cannot change while {name} goes on ({why}): leave it out, or train from the start "
                f"with gibbsweep train --like {name} --set {path}={value}."
            )


def check_same_beginning(assignment: Assignment, config: SystemConfig) -> None:
    """Raise UserError where the folder of ``assignment`` holds a run that goes on with another configuration."""
    path = RecordedRun.read(assignment.run_dir).folder.config
    recorded, asked = read_json_object(path)["params"], as_json(config)
    changed = [f"{key}: {recorded.get(key)} -> {value}" for key, value in asked.items() if recorded.get(key) != value]
    if changed:
        raise UserError(
            f"{assignment.run_dir} holds another run ({'; '.join(changed)}): give the same settings to continue it, or "
            "choose another name."
        )


def form(config: SystemConfig, spec: DataSpec) -> Mapping[str, tuple[str, str]]:
    """What must be equal for a checkpoint of ``config`` to go on (see :func:`gibbsweep.train.checkpoint.form_of`).
    Raises UserError where ``config`` builds nothing on data of ``spec``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # the same weights wherever configurations draw alike
        try:
            system = config.build(spec)
        except ValueError as error:
            raise UserError(f"{type(config).__name__} does not fit the data: {str(error).rstrip('.')}.") from error
    return form_of(system, system.phases(), system.ema_decay)


def form_difference(
    one: Mapping[str, tuple[str, str]], other: Mapping[str, tuple[str, str]], at_one: Any, at_other: Any
) -> str:
    """How two forms differ, those ``at_one`` value and ``at_other``, in words; "" where a checkpoint of one goes on as
    the other."""
    for key in [*one, *(key for key in other if key not in one)]:
        (before, numbers), (after, others) = one.get(key, ("absent", "")), other.get(key, ("absent", ""))
        if before != after:
            return f"{key} is {before} at {at_one} and {after} at {at_other}"
        if numbers != others:
            return f"{key} holds other numbers at {at_one} than at {at_other}"
    return ""
