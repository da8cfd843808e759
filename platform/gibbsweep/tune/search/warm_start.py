"""A warm start: trials of an earlier sweep that the samplers of a new one learn from.

They are history and nothing else: no rows, not counted, never promoted. What is taken is copied into the new sweep's folder when that is
made, so the earlier sweep may go. Values after different numbers of updates do not compare, so a trial is taken for its values after as
many updates as the new sweep compares trials at: at its rungs, or, where it has none, at the end.
"""

from __future__ import annotations

import json
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
from gibbsweep.tune.folder.layout import SweepDir, is_sweep, search_name, sweeps_message
from gibbsweep.tune.journal.attributes import VALUES, as_constraints
from gibbsweep.tune.journal.parameters import parameters
from gibbsweep.tune.journal.record import Record, recorded
from gibbsweep.tune.options.settings import Settings, fingerprint

LEARNING = ("tpe", "gp", "cmaes")
"""The samplers that look at trials at all."""


@dataclass(frozen=True)
class Taken:
    """Of one contender: ``trials`` as JSON, and how many were ``dropped``, by the reason."""

    trials: list[dict[str, Any]]
    dropped: dict[str, int]

    def __str__(self) -> str:
        count = sum(self.dropped.values())
        reasons = ", ".join(f"{n}: {reason}" for reason, n in self.dropped.items())
        return f"{len(self.trials)} taken, {count} dropped" + (f" ({reasons})" if reasons else "")

    def records(self, space: Space, steps: Sequence[int]) -> list[Record]:
        """As a search has its own. ``steps``: the updates that trials are compared at."""
        found = []
        for number, trial in enumerate(self.trials):
            values = values_from_json(trial["values"])
            there = {int(step): own for step, own in trial["violations"].items()}
            others = trial.get("others", {})
            reports = {int(step): (value, *others.get(step, ())) for step, value in trial["reports"].items()}
            params, distributions = parameters(space, values)
            record = Record(
                number, -1, values, params, distributions, max(reports), "pruned", reports, violations=there
            )
            if max(steps) in reports:
                record.state, record.objectives = "completed", reports[max(steps)]
                record.attrs = dict(as_constraints(there.get(max(steps), {})))
            found.append(record)
        return found


def take(study: Study, settings: Settings, runs: Path) -> dict[str, Taken]:
    """What each contender that searches can use of ``settings.from_sweep``. Raises UserError where there is no such sweep or contender,
    where the sampler learns nothing, or where nothing can be used."""
    assert settings.from_sweep is not None
    if settings.sampler not in LEARNING:
        raise UserError(
            f"--sampler {settings.sampler} learns nothing from trials, so --from {settings.from_sweep} would change nothing: use --sampler "
            f"{'|'.join(LEARNING)}, or leave --from out."
        )
    folder = _folder(settings.from_sweep, runs)
    there: dict[str, Any] = SweepDir(folder).record()["fingerprint"]
    here = fingerprint(study, settings)
    contenders = settings.contenders_of(study)
    searched = [name for name, contender in contenders.items() if contender.trials(settings.trials)]
    missing = [name for name in searched if name not in there]
    if missing:
        raise UserError(
            f"sweep {folder.name!r} has no contender {', '.join(map(repr, missing))} to start from: it has {', '.join(there)}; "
            "name those with --contenders, or leave --from out."
        )
    found = {
        name: _taken(
            folder,
            name,
            there[name],
            here[name],
            contenders[name].space,
            compared_at(contenders[name], settings),
            contenders[name].constraints,
        )
        for name in searched
    }
    if not any(taken.trials for taken in found.values()):
        why = "; ".join(f"{name} {taken}" for name, taken in found.items()) or "no contender searches"
        raise UserError(
            f"nothing of sweep {folder.name!r} can be used: {why}; leave --from out, or name another sweep."
        )
    return found


def compared_at(contender: ContenderAtBudget, settings: Settings) -> tuple[int, ...]:
    """The updates after which the sampler compares the trials of ``contender``."""
    updates, options = contender.budget.updates, len(contender.options())
    return settings.form.build(updates, -(-contender.trials(settings.trials) // options)).rungs or (updates,)


def write(path: Path, found: Mapping[str, Taken]) -> None:
    record = {name: asdict(taken) for name, taken in found.items()}
    write_atomically(path, json.dumps(record, indent=1).encode())


def read(path: Path) -> dict[str, Taken]:
    return {name: Taken(**taken) for name, taken in json.loads(path.read_text()).items()}


def _folder(name: str, runs: Path) -> Path:
    for folder in (runs / name, Path(name)):
        if is_sweep(folder):
            return folder
    raise UserError(f"there is no sweep {name!r} to start from, in {runs} or at that path: {sweeps_message(runs)}")


def _taken(
    folder: Path,
    name: str,
    there: Mapping[str, Any],
    here: Mapping[str, Any],
    space: Space,
    steps: Sequence[int],
    constraints: Sequence[Constraint],
) -> Taken:
    taken: list[dict[str, Any]] = []
    dropped: Counter[str] = Counter()
    otherwise = _measured_otherwise(there, here)
    for trial in _trials(folder, name):
        whole = {**there["config"], **trial.user_attrs["values"]}
        values, outside = values_within(whole, space)
        why = otherwise or next((f"{path} lies outside the space" for path in outside), "")
        why = why or next(
            (
                f"{path} is {whole[path]} there and {fixed} here"
                for path, fixed in here["config"].items()
                if path not in values and path in whole and whole[path] != fixed
            ),
            "",
        )
        if not why and any(key.startswith(VALUES) for key in trial.user_attrs):
            why = "its values changed while it trained"
        reports = _reports(trial, there["budget"]["updates"], steps)
        if why or not reports:
            dropped[why or f"no value after {' or '.join(map(str, steps))} updates"] += 1
            continue
        run = search_name(name, trial.number)
        metrics = _metrics(SweepDir(folder).trial(run)) if constraints else {}
        found = {step: violations(constraints, metrics.get(step, {})) for step in reports} if constraints else {}
        others = {step: reported[1:] for step, reported in reports.items() if reported[1:]}
        firsts = {step: reported[0] for step, reported in reports.items()}
        taken.append(
            {
                "trial": run,
                "values": values,
                "reports": firsts,
                "violations": found,
                **({"others": others} if others else {}),
            }
        )
    return Taken(taken, dict(dropped))


def _trials(folder: Path, name: str) -> list[FrozenTrial]:
    journal = SweepDir(folder).journal
    if not journal.exists():
        return []
    storage = JournalStorage(JournalFileBackend(str(journal)))
    if name not in (study.study_name for study in storage.get_all_studies()):
        return []
    return storage.get_all_trials(storage.get_study_id_from_name(name), deepcopy=False)


def _measured_otherwise(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Why no value of there compares with one of here; "" if they do."""
    for what, old, new in (
        ("data", there["views"][0], here["views"][0]),
        ("validation share", there["validation"], here["validation"]),
        ("goal", there["goal"], here["goal"]),
        ("batch size", there["budget"]["batch_size"], here["budget"]["batch_size"]),
    ):
        if old != new:
            return f"{what} is {_words(old)} there and {_words(new)} here"
    changed = [evaluator for evaluator in there["evaluators"] if evaluator not in here["evaluators"]]
    return f"it was measured by {', '.join(changed)}" if changed else ""


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(_words, value))
    return " ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value)


def _reports(trial: FrozenTrial, updates: int, steps: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """Every goal's value, by updates."""
    record = recorded(0, trial, ())
    known = dict(record.reports)
    if record.objectives is not None:
        known[updates] = record.objectives
    return {step: known[step] for step in steps if step in known}


def _metrics(run_dir: Path) -> dict[int, dict[str, float]]:
    """All that a run reported, by updates."""
    outcome = Outcome.read(run_dir)
    ended = {outcome.step: outcome.metrics} if outcome is not None else {}
    reports = {record.step: record.metrics for record in read_spool(RunFolder(run_dir).spool)}
    return {**reports, **ended}
