"""The overview that a driver has of its plan."""

from __future__ import annotations

from gibbsweep.tune.plan.outline import outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.status.overview import LastReport, Overview, overview_of


def driver_view(plan: Plan, last_reports: dict[str, LastReport]) -> Overview:
    records = {search.contender.name: search.records for search in plan.searches()}
    return overview_of(outline(plan), records, plan.outcomes, last_reports, plan.running)
