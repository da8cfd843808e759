"""Names and formats of the attributes that a sweep's journal holds for a trial, beside Optuna's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gibbsweep.study.space import values_from_json

VIOLATIONS = "violations@"
"""Prefix of a user attribute: ``violations@UPDATES`` holds the constraint violations reported after UPDATES."""


OTHER_OBJECTIVES = "objectives@"
"""Prefix of a user attribute: ``objectives@UPDATES`` holds the values of every goal but the first after UPDATES."""


PRUNED = "pruned@"
"""Prefix of a user attribute: ``pruned@UPDATES`` says whether the verdict on the report after UPDATES was to prune. The
verdict cannot be computed from the journal, which does not hold the order in which trials of several workers
reported."""


CONSTRAINT = "constraints:"
"""Prefix of the system attributes that hold a trial's constraints in Optuna (``Trial.set_constraint``)."""


def as_constraints(violations: Mapping[str, float]) -> dict[str, float]:
    """Violations as Optuna's system attributes."""
    return {f"{CONSTRAINT}{name}": violation for name, violation in violations.items()}


def by_updates(attrs: Mapping[str, Any], prefix: str) -> dict[int, Any]:
    """The user attributes of a trial whose names begin with ``prefix``, by updates."""
    return {int(key.removeprefix(prefix)): value for key, value in attrs.items() if key.startswith(prefix)}


LENDER = "borrowed_from"
"""Name of a user attribute: the run from whose values a trial borrowed."""


VALUES, DONOR, LOST = "values@", "from@", "lost@"
"""Prefixes of the user attributes of a trial in a population. ``from@UPDATES`` names the trial from whose checkpoint it
went on after UPDATES, ``values@UPDATES`` holds the values that it went on with, and ``lost@UPDATES`` says how it was
lost before UPDATES."""


@dataclass(frozen=True)
class DonorCheckpoint:
    """A checkpoint of another trial of the same search, from which a trial went on."""

    step: int
    """Updates of the checkpoint."""
    donor: int
    """The number of the trial whose checkpoint it is."""
    values: dict[str, Any]
    """The searched values that the trial went on with."""


def copies_of(attrs: Mapping[str, Any]) -> list[DonorCheckpoint]:
    """The copied checkpoints in a trial's user attributes, by updates."""
    steps = sorted(int(key.removeprefix(VALUES)) for key in attrs if key.startswith(VALUES))  # VALUES is written last
    return [
        DonorCheckpoint(step, attrs[f"{DONOR}{step}"], values_from_json(attrs[f"{VALUES}{step}"])) for step in steps
    ]
