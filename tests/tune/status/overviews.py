"""The overview that a driver has of its plan."""

from __future__ import annotations

from gibbsweep.tune.plan.outline import outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.status.overview import Overview, Underway, overview


def driver_view(plan: Plan, underway: dict[str, Underway]) -> Overview:
    records = {name: search.records for name, search in plan.searches.items()}
    return overview(outline(plan), records, plan.outcomes, underway, plan.running)
