"""The overview that a driver has of its plan."""

from __future__ import annotations

from gibbsweep.tune.plan.outline import outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.status.overview import Overview, Underway, overview


def driver_view(plan: Plan, underway: dict[str, Underway]) -> Overview:
    records = {search.contender.name: search.records for search in plan.searches()}
    return overview(outline(plan), records, plan.outcomes, underway, plan.running)
