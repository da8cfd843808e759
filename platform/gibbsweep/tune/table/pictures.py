"""The runs whose pictures stand beside the table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from gibbsweep.results.row import Row
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.table.rows import rows_of


def shown_runs(plan: Plan) -> dict[str, Path]:
    """The folder of one retrained run for each row of the table, by the row's label: the first view, the first seed. Of
    a contender that compares several paths, only the best row for each value of the first path is shown, for each place
    on its front. The first goal says which row is best."""
    shown: dict[str, Path] = {}
    for row in _shown_rows(plan):
        arm = next(arm for arm in plan.arms() if arm.name == row.contender and arm.compared == row.compared)
        retraining = next((one for one in plan.retrainings(arm) if one.member.label == row.front), None)
        runs = retraining.runs.values() if retraining is not None else ()
        completed = [run for run in runs if run in plan.outcomes and plan.outcomes[run].kind == "completed"]
        if completed:
            shown[row.label] = plan.run_dir(completed[0])
    return shown


def _shown_rows(plan: Plan) -> list[Row]:
    best: dict[tuple[str, Any, str], Row] = {}
    for row in rows_of(plan):
        goal = plan.search_of(row.contender).goals[0]
        key = row.contender, next(iter(row.compared.values()), None), row.front
        value, best_value = (
            r.metrics[goal.metric].mean if r and goal.metric in r.metrics else math.nan for r in (row, best.get(key))
        )
        if key not in best or goal.better(value, best_value):
            best[key] = row
    return list(best.values())
