"""A pretended run that reports at its rungs and pauses there."""

from __future__ import annotations

from dataclasses import replace

from tests.tune.plans import finish, outcome_of

from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun


def run_segment(plan: Plan, planned: PlannedRun, updates: int) -> None:
    """As :func:`finish`, for a run that may end at a rung: it reports there and pauses."""
    whole = outcome_of(planned)
    if planned.runs_to == updates:
        finish(plan, planned, replace(whole, step=updates))
        return
    replace(whole, kind="paused", step=planned.runs_to).write(plan.sweep.trial(planned.name))
    plan.report(planned.name, planned.runs_to, whole.metrics)
    assert plan.pause(planned.name)
