"""The check that a run's folder holds the run that is asked for, before anything in it is read or replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

from gibbsweep.data import Dataset
from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.assignment import Assignment, config_record
from gibbsweep.train import Budget

_DATA = ("name", "fingerprint", "shape", "rows", "validation_rows")
_MOST = 5
"""Differences that the sentence names."""


def check_same_run(assignment: Assignment, dataset: Dataset) -> None:
    """Raise UserError where the folder of ``assignment`` holds another run.

    Compared are the contender, the values of its configuration, the seed, the budget, and the data set's view, content
    (its fingerprint) and split. The values of a run with a schedule change
    while it trains, and parts of a batch (``accumulate``) give the same updates: both are left out.
    """
    path = RunFolder(assignment.run_dir).config
    if not path.exists():
        return
    old, new = read_json_object(path), json.loads(json.dumps(config_record(assignment, dataset)))
    scheduled = bool(assignment.schedule or "schedule" in old)
    differences = list(_differences(_identity(old, scheduled), _identity(new, scheduled)))
    outcome = Outcome.read(assignment.run_dir)
    if not differences:
        return
    named = "; ".join(differences[:_MOST])
    more = f"; and {len(differences) - _MOST} more" if len(differences) > _MOST else ""
    raise UserError(
        f"{assignment.run_dir} holds another {'run' if outcome is None else 'finished run'} ({named}{more}): give the "
        "same settings to continue it, or choose another name."
    )


def _identity(record: Mapping[str, Any], scheduled: bool) -> dict[str, Any]:
    """The entries of a ``config.json`` that say which run it is, by dotted path. An entry that a record from an earlier
    version lacks is left out; a field that its budget lacks has its default."""
    defaults = {field.name: field.default for field in fields(Budget) if field.default is not MISSING}
    budget = {**json.loads(json.dumps(defaults)), **record.get("budget", {})}
    identity = {key: record[key] for key in ("contender", "seed") if key in record}
    identity |= {f"budget.{key}": value for key, value in budget.items() if key != "accumulate"}
    identity |= {f"data.{key}": record["data"][key] for key in _DATA if key in record.get("data", {})}
    if not scheduled:
        identity |= record.get("params", {})
        identity |= {  # without their modules, which a later version may move
            f"class of {path or 'the configuration'}": name.rpartition(":")[2]
            for path, name in record.get("classes", {}).items()
        }
    return identity


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in old or path not in new:
            if not path.startswith(("data.", "class of ")):  # an earlier version did not record it
                yield f"{path}: {old.get(path, 'absent')} -> {new.get(path, 'absent')}"
        elif old[path] != new[path]:
            yield f"{path}: {old[path]} -> {new[path]}"
