"""A warm start: trials of an earlier sweep from which the samplers of a new one learn.

They are history alone: they have no rows, are not counted and are never promoted. They are copied into the new sweep's
folder when it is made, so the earlier sweep may be removed. Values after different numbers of updates do not compare. A
trial therefore counts with its values after the updates at which the new sweep compares trials: at its rungs or,
without rungs, at the end.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, read_spool, write_atomically
from gibbsweep.study.at_budget import ContenderAtBudget
from gibbsweep.study.constraint import Constraint, violations
from gibbsweep.study.space import Space, values_from_json, values_within
from gibbsweep.study.study import Study
from gibbsweep.tune.folder.layout import SweepDir, is_sweep, search_name, sweeps_message, why_unreadable
from gibbsweep.tune.journal.attributes import VALUES, as_constraints
from gibbsweep.tune.journal.parameters import parameters
from gibbsweep.tune.journal.record import Record, record_of
from gibbsweep.tune.options.settings import Settings, fingerprint

LEARNING_SAMPLERS = ("tpe", "gp", "cmaes")
"""The samplers that learn from trials."""


@dataclass(frozen=True)
class History:
    """What one contender's sampler learns from an earlier sweep."""

    trials: list[dict[str, Any]]
    """Trials as JSON: ``trial``, ``values``, ``reports``, ``violations`` and, with several goals, ``others``."""
    dropped: dict[str, int]
    """How many trials cannot be used, by the reason."""

    def __str__(self) -> str:
        count = sum(self.dropped.values())
        reasons = ", ".join(f"{n}: {reason}" for reason, n in self.dropped.items())
        return f"{len(self.trials)} taken, {count} dropped" + (f" ({reasons})" if reasons else "")

    def records(self, space: Space, steps: Sequence[int]) -> list[Record]:
        """The trials as records of a search. ``steps``: the updates at which trials are compared."""
        records = []
        for number, trial in enumerate(self.trials):
            values = values_from_json(trial["values"])
            violated = {int(step): excess for step, excess in trial["violations"].items()}
            others = trial.get("others", {})
            reports = {int(step): (value, *others.get(step, ())) for step, value in trial["reports"].items()}
            params, distributions = parameters(space, values)
            record = Record(
                number, -1, values, params, distributions, max(reports), "pruned", reports, violations=violated
            )
            if max(steps) in reports:
                record.state, record.objectives = "completed", reports[max(steps)]
                record.attrs = dict(as_constraints(violated.get(max(steps), {})))
            records.append(record)
        return records


def histories_of(study: Study, settings: Settings, runs: Path) -> dict[str, History]:
    """The history that each contender with a search can use of ``settings.from_sweep``. Raises UserError if there is no
    such sweep or contender, if the sampler learns nothing, or if nothing can be used."""
    assert settings.from_sweep is not None
    if settings.sampler not in LEARNING_SAMPLERS:
        raise UserError(
            f"--sampler {settings.sampler} learns nothing from trials, so --from {settings.from_sweep} would change "
            f"nothing: use --sampler {'|'.join(LEARNING_SAMPLERS)}, or leave --from out."
        )
    folder = _folder(settings.from_sweep, runs)
    earlier: dict[str, Any] = SweepDir(folder).record()["fingerprint"]
    now = fingerprint(study, settings)
    contenders = settings.contenders_of(study)
    searched = [name for name, contender in contenders.items() if contender.trials(settings.trials)]
    missing = [name for name in searched if name not in earlier]
    if missing:
        raise UserError(
            f"sweep {folder.name!r} has no contender {', '.join(map(repr, missing))} to start from: "
            f"it has {', '.join(earlier)}; name those with --contenders, or leave --from out."
        )
    histories = {
        name: _history_of(
            folder,
            name,
            earlier[name],
            now[name],
            contenders[name].space,
            comparison_steps(contenders[name], settings),
            contenders[name].constraints,
        )
        for name in searched
    }
    if not any(history.trials for history in histories.values()):
        why = "; ".join(f"{name} {history}" for name, history in histories.items()) or "no contender searches"
        raise UserError(
            f"nothing of sweep {folder.name!r} can be used: {why}; leave --from out, or name another sweep."
        )
    return histories


def comparison_steps(contender: ContenderAtBudget, settings: Settings) -> tuple[int, ...]:
    """The updates after which the sampler compares the trials of ``contender``."""
    updates = contender.budget.updates
    return settings.form.build(updates, contender.trials(settings.trials)).rungs or (updates,)


def write(path: Path, histories: Mapping[str, History]) -> None:
    """Write the history of each contender to a new sweep's file."""
    record = {name: asdict(history) for name, history in histories.items()}
    write_atomically(path, json.dumps(record, indent=1).encode())


def read(path: Path) -> dict[str, History]:
    """Read what :func:`write` wrote."""
    return {name: History(**fields) for name, fields in json.loads(path.read_text()).items()}


def _folder(name: str, runs: Path) -> Path:
    for folder in (runs / name, Path(os.path.expanduser(name))):
        if is_sweep(folder):
            return folder
        if why := why_unreadable(SweepDir(folder)):
            raise UserError(f"the record of sweep {name!r} cannot be read ({why}): name another sweep to start from.")
    raise UserError(f"there is no sweep {name!r} to start from, in {runs} or at that path: {sweeps_message(runs)}")


def _history_of(
    folder: Path,
    name: str,
    earlier: Mapping[str, Any],
    now: Mapping[str, Any],
    space: Space,
    steps: Sequence[int],
    constraints: Sequence[Constraint],
) -> History:
    trials: list[dict[str, Any]] = []
    dropped: Counter[str] = Counter()
    incomparable = _why_incomparable(earlier, now)
    for trial in _trials(folder, name):
        whole = {**earlier["config"], **trial.user_attrs["values"]}
        values, outside = values_within(whole, space)
        why = incomparable or next((f"{path} lies outside the space" for path in outside), "")
        why = why or next(
            (
                f"{path} is {whole[path]} there and {fixed} here"
                for path, fixed in now["config"].items()
                if path not in values and path in whole and whole[path] != fixed
            ),
            "",
        )
        if not why and any(key.startswith(VALUES) for key in trial.user_attrs):
            why = "its values changed while it trained"
        reports = _reports(trial, earlier["budget"]["updates"], steps)
        if why or not reports:
            dropped[why or f"no value after {' or '.join(map(str, steps))} updates"] += 1
            continue
        run = search_name(name, trial.number)
        metrics = _metrics(SweepDir(folder).trial(run)) if constraints else {}
        excess = {step: violations(constraints, metrics.get(step, {})) for step in reports} if constraints else {}
        others = {step: by_goal[1:] for step, by_goal in reports.items() if by_goal[1:]}
        firsts = {step: by_goal[0] for step, by_goal in reports.items()}
        trials.append(
            {
                "trial": run,
                "values": values,
                "reports": firsts,
                "violations": excess,
                **({"others": others} if others else {}),
            }
        )
    return History(trials, dict(dropped))


def _trials(folder: Path, name: str) -> list[FrozenTrial]:
    journal = SweepDir(folder).journal
    if not journal.exists():
        return []
    storage = JournalStorage(JournalFileBackend(str(journal)))
    if name not in (study.study_name for study in storage.get_all_studies()):
        return []
    return storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)


def _why_incomparable(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why no value of the earlier sweep compares with one of this sweep; "" if they compare."""
    for what, old, new in (
        ("data", earlier["views"][0], now["views"][0]),
        ("validation share", earlier["validation"], now["validation"]),
        ("goal", earlier["goal"], now["goal"]),
        ("batch size", earlier["budget"]["batch_size"], now["budget"]["batch_size"]),
    ):
        if old != new:
            return f"{what} is {_words(old)} there and {_words(new)} here"
    changed = [evaluator for evaluator in earlier["evaluators"] if evaluator not in now["evaluators"]]
    return f"it was measured by {', '.join(changed)}" if changed else ""


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(_words, value))
    return " ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def _reports(trial: FrozenTrial, updates: int, steps: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """Every goal's value after each of ``steps``, as far as the trial has them."""
    record = record_of(0, trial, ())
    values = dict(record.reports)
    if record.objectives is not None:
        values[updates] = record.objectives
    return {step: values[step] for step in steps if step in values}


def _metrics(run_dir: Path) -> dict[int, dict[str, float]]:
    """All metrics that a run reported, by updates."""
    outcome = Outcome.read(run_dir)
    ended = {outcome.step: outcome.metrics} if outcome is not None else {}
    reports = {record.step: record.metrics for record in read_spool(RunFolder(run_dir).spool)}
    return {**reports, **ended}
