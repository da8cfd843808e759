"""The outline of a sweep's work in a file, so that a sweep's folder can be read without its study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from gibbsweep.errors import UserError
from gibbsweep.folder import write_atomically
from gibbsweep.study.goal import Goal
from gibbsweep.study.space import flatten, searched_paths
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.schedulers.rungs import bracket_shares

if TYPE_CHECKING:
    from gibbsweep.study.at_budget import ContenderAtBudget
    from gibbsweep.tune.plan.plan import Plan


@dataclass(frozen=True)
class Outline:
    """The planned work of one contender.

    For example::

        write_outline(sweep, outline(plan))
        read_outline(sweep)["rbm"].trials  # 16
    """

    trials: int
    """Trials of its search."""
    updates: int
    """Updates of a trial that runs to the end."""
    rungs: tuple[int, ...]
    """Updates after which a trial may end or wait."""
    expected: float
    """Updates of a trial on average."""
    goals: tuple[Goal, ...]
    """What its search optimises."""
    retrainings: tuple[str, ...]
    """The runs that retrain what its search finds; before the search of a Pareto front has ended, the most that there
    may be."""
    population: bool = False
    """Whether trials go on from others' checkpoints at the rungs."""
    compared: tuple[str, ...] = ()
    """The paths whose options have a row each."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The values of the searched paths in the configuration as it stands, as JSON has them."""


def outline(plan: Plan) -> dict[str, Outline]:
    """The outline of each contender's work."""
    outlines = {}
    for search in plan.searches():
        updates = search.contender.budget.updates
        outlines[search.contender.name] = Outline(
            trials=search.trials,
            updates=updates,
            rungs=search.rungs,
            expected=float(updates)
            if search.population is not None
            else expected_updates(updates, search.rungs, plan.settings.eta, plan.settings.brackets),
            population=search.population is not None,
            goals=search.goals,
            retrainings=tuple(run for arm in search.arms for run in plan.retraining_runs(arm)),
            compared=search.contender.contender.compared_paths,
            recipe=_recipe(search.contender),
        )
    return outlines


def _recipe(contender: ContenderAtBudget) -> dict[str, Any]:
    """The values of the searched paths in the configuration that the search begins with."""
    values = flatten(contender.config)
    recipe: dict[str, Any] = json.loads(
        json.dumps({path: values[path] for path in searched_paths(contender.space) if path in values})
    )
    return recipe


def write_outline(sweep: SweepDir, contenders: dict[str, Outline]) -> None:
    """Write ``outline.json``."""
    record = {name: _as_json(one) for name, one in contenders.items()}
    write_atomically(sweep.outline, json.dumps(record, indent=1).encode())


def read_outline(sweep: SweepDir) -> dict[str, Outline]:
    """Read ``outline.json``. Raises UserError if the sweep has none."""
    path = sweep.outline
    if not path.exists():
        raise UserError(f"sweep {sweep.name!r} has not planned its runs yet: look again in a moment, or resume it.")
    record = json.loads(path.read_text())
    return {name: _from_json(one) for name, one in record.items()}


def _as_json(outline: Outline) -> dict[str, Any]:
    record = asdict(outline)
    goals = record.pop("goals")
    return {**record, "goal": goals if len(goals) > 1 else goals[0]}  # one goal stands alone in the file


def _from_json(record: Mapping[str, Any]) -> Outline:
    fields = dict(record)
    goal = fields.pop("goal")
    goals = tuple(Goal(**one) for one in ([goal] if isinstance(goal, dict) else goal))
    return Outline(
        **{
            **fields,
            **{name: tuple(fields.get(name, ())) for name in ("rungs", "retrainings", "compared")},
        },
        goals=goals,
    )


def expected_updates(updates: int, rungs: tuple[int, ...], eta: int, brackets: int) -> float:
    """Updates of a search trial on average, if one in ``eta`` goes on at each rung of its bracket."""
    levels = (*rungs, updates)
    if not rungs:
        return float(updates)
    total = 0.0
    for bracket, share in enumerate(bracket_shares(len(rungs), brackets, eta)):
        steps = levels[bracket:]
        lengths = [after - before for before, after in zip((0, *steps), steps, strict=False)]
        total += share * sum(length / eta**k for k, length in enumerate(lengths))
    return total
