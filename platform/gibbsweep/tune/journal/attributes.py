"""The names and formats of everything that a sweep's journal holds of a trial beside Optuna's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gibbsweep.study.space import values_from_json

AT = "violations@"
"""Of the user attribute that holds a trial's violations at a report, before its updates."""


OTHERS_AT = "objectives@"
"""Of the user attribute that holds the report of every goal but the first, before its updates."""


PRUNED = "pruned@"
"""Of the user attribute that says that the verdict on a report was to prune, before its updates. It is no function of the journal, which does
not say in which order trials of several workers reported."""


CONSTRAINT = "constraints:"
"""Of the system attributes that hold a trial's constraints in Optuna (``Trial.set_constraint``)."""


def as_constraints(found: Mapping[str, float]) -> dict[str, float]:
    """Violations as Optuna's system attributes."""
    return {f"{CONSTRAINT}{name}": violation for name, violation in found.items()}


def reported(attrs: Mapping[str, Any], prefix: str) -> dict[int, Any]:
    """What a trial's user attributes hold by updates, under names that begin with ``prefix``."""
    return {int(key.removeprefix(prefix)): found for key, found in attrs.items() if key.startswith(prefix)}


VALUES, FROM, LOST = "values@", "from@", "lost@"
"""Of the user attributes of a trial that goes on from trial ``from@STEP``'s checkpoint of STEP updates with ``values@STEP``, or that was
lost on its way to STEP, before their updates."""


@dataclass(frozen=True)
class Copied:
    """After ``step`` updates a trial took the checkpoint of trial ``donor`` of the same search and went on with ``values``."""

    step: int
    donor: int
    values: dict[str, Any]


def copies_of(attrs: Mapping[str, Any]) -> list[Copied]:
    """From a trial's user attributes, by updates."""
    steps = sorted(int(key.removeprefix(VALUES)) for key in attrs if key.startswith(VALUES))  # which are written last
    return [Copied(step, attrs[f"{FROM}{step}"], values_from_json(attrs[f"{VALUES}{step}"])) for step in steps]
