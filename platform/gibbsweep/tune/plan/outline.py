"""What a sweep is going to do, in a file: whoever looks at its folder need not load its study."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gibbsweep.errors import UserError
from gibbsweep.study.goal import Goal, Goals, as_goals
from gibbsweep.train.files import write_atomically
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.schedulers.rungs import bracket_shares

if TYPE_CHECKING:
    from gibbsweep.tune.plan.plan import Plan


@dataclass(frozen=True)
class Outline:
    """The planned work of one contender: ``trials`` of ``updates`` each, fewer for those that stay at one of the ``rungs``
    (``expected`` on average), and the runs named in ``retrainings``: of a Pareto front as many as there may be, until the search
    has ended. ``population``: at the rungs some go on from others' checkpoints."""

    trials: int
    updates: int
    rungs: tuple[int, ...]
    expected: float
    goal: Goals
    retrainings: tuple[str, ...]
    population: bool = False

    @property
    def goals(self) -> tuple[Goal, ...]:
        return as_goals(self.goal)


def outline(plan: Plan) -> dict[str, Outline]:
    """By contender."""
    found = {}
    for name, search in plan.searches.items():
        updates = plan.study.budget_of(name, plan.decided.budget).updates
        found[name] = Outline(
            trials=search.trials,
            updates=updates,
            rungs=search.rungs,
            expected=float(updates)
            if search.population is not None
            else expected_updates(updates, search.rungs, plan.decided.eta, plan.decided.brackets),
            population=search.population is not None,
            goal=search.goals if len(search.goals) > 1 else search.goals[0],
            retrainings=tuple(run for option in search.contender.options() for run in plan.retrainings(name, option)),
        )
    return found


def write_outline(sweep: SweepDir, contenders: dict[str, Outline]) -> None:
    """``outline.json``."""
    record = {name: asdict(one) for name, one in contenders.items()}
    write_atomically(sweep.path / "outline.json", json.dumps(record, indent=1).encode())


def read_outline(sweep: SweepDir) -> dict[str, Outline]:
    path = sweep.path / "outline.json"
    if not path.exists():
        raise UserError(
            f"sweep {sweep.name!r} has not planned its runs yet, or is of an earlier version: look again in a moment, or resume it."
        )
    record = json.loads(path.read_text())
    return {
        name: Outline(
            **{
                **one,
                "rungs": tuple(one["rungs"]),
                "retrainings": tuple(one["retrainings"]),
                "goal": _goals(one["goal"]),
            }
        )
        for name, one in record.items()
    }


def _goals(record: Any) -> Goals:
    return Goal(**record) if isinstance(record, dict) else tuple(Goal(**goal) for goal in record)


def expected_updates(updates: int, rungs: tuple[int, ...], eta: int, brackets: int) -> float:
    """The updates of a search trial where one in ``eta`` goes on at each rung of its bracket."""
    levels = (*rungs, updates)
    if not rungs:
        return float(updates)
    total = 0.0
    for bracket, share in enumerate(bracket_shares(len(rungs), brackets, eta)):
        steps = levels[bracket:]
        lengths = [after - before for before, after in zip((0, *steps), steps, strict=False)]
        total += share * sum(length / eta**k for k, length in enumerate(lengths))
    return total
