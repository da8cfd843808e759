"""The best run of a sweep, of a contender, or of one compared option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gibbsweep.errors import UserError
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.use.folders import sweep_at
from gibbsweep.use.rows import Run, SweepRow, rows_of

if TYPE_CHECKING:
    from gibbsweep.use.model import Model


def load_best(
    sweep: Path | str,
    contender: str | None = None,
    *,
    front: str | None = None,
    own: Sequence[type] = (),
    study: Path | str | None = None,
    device: torch.device | str = "cpu",
    **compared: Any,
) -> Model:
    """The best run of a ``sweep`` (its folder, or its name below runs/), loaded as by :func:`gibbsweep.load`::

        rbm = gibbsweep.load_best("runs/cd_k-1", "rbm", k=25)

    ``contender`` and the values of its ``compared`` options (by path, or the last part of it) choose a row of the
    sweep's table; of several rows that fit, the one with the best mean of the goal counts, and of a row's retrainings
    the best. The goal looks at validation data, never at the test split. A sweep that is not over gives its best trial
    so far. ``front``: which place on a Pareto front, as the row says it (``"for FD"``). The other arguments are those
    of :func:`gibbsweep.load`.
    """
    from gibbsweep.use.model import load

    run = best_run(sweep_at(sweep), contender, compared, front)
    return load(run.path, own=own, study=study, device=device)


def best_run(
    sweep: SweepDir, contender: str | None = None, compared: Mapping[str, Any] | None = None, front: str | None = None
) -> Run:
    """The best run of the rows that fit; see :func:`load_best`. Raises UserError where none does, or none has begun."""
    row = best_row(chosen(sweep, rows_of(sweep), contender, compared or {}, front))
    run = row.best
    if run is None:
        raise UserError(f"{row.row.label} of sweep {sweep.name!r} has no run with a result yet: look again later.")
    return run


def chosen(
    sweep: SweepDir,
    rows: Sequence[SweepRow],
    contender: str | None,
    compared: Mapping[str, Any],
    front: str | None = None,
) -> list[SweepRow]:
    """The ``rows`` of a contender with these ``compared`` values, in their order. Raises UserError where there are
    none, with those that there are."""
    of_contender = [row for row in rows if contender in (None, row.row.contender)]
    found = [
        row
        for row in of_contender
        if all(_fits(row.row.compared, name, value) for name, value in compared.items())
        and (front is None or front == row.row.front)
    ]
    if found:
        return found
    if not rows:
        raise UserError(f"no run of sweep {sweep.name!r} has begun: look again later.")
    asked = " ".join(
        [
            contender or "any contender",
            *(f"{name}={value}" for name, value in compared.items()),
            *([front] if front else []),
        ]
    )
    there = ", ".join(row.row.label for row in (of_contender or rows))
    raise UserError(f"sweep {sweep.name!r} has no row {asked}: it has {there}.")


def best_row(rows: Sequence[SweepRow]) -> SweepRow:
    """The best of ``rows``, by the goal's mean over their retrainings or, where one of them has none, by their best
    trials; a row that violates a constraint comes behind those that do not. Raises UserError where they have different
    goals, or none of them has a number."""
    if len(rows) == 1:
        return rows[0]
    goals = {row.goals for row in rows}
    labels = ", ".join(row.row.label for row in rows)
    if len(goals) > 1:
        raise UserError(f"{labels} have different goals, so that none is the best: name one of them.")
    goal = rows[0].goals[0]
    known = [row for row in rows if not math.isnan(row.value)]
    retrained = all(goal.metric in row.row.metrics for row in known)

    def rank(row: SweepRow) -> tuple[bool, bool, float]:
        value = row.value if retrained or math.isnan(row.trial_value) else row.trial_value
        return math.isnan(value), bool(row.row.violated), 0.0 if math.isnan(value) else goal.loss(value)

    best = min(rows, key=rank)
    if rank(best)[0]:
        raise UserError(f"none of {labels} has a number of {goal.metric} yet: look again later, or name one of them.")
    return best


def _fits(compared: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether the compared option ``name``, a path or the last part of one, has the ``value``, or the same text."""
    there = [own for path, own in compared.items() if name in (path, path.rsplit(".", 1)[-1])]
    plain = list(value) if isinstance(value, tuple) else value
    return any((list(own) if isinstance(own, tuple) else own) == plain or str(own) == str(value) for own in there)
