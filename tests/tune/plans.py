"""Plans of the tiny study, new or resumed, and pretended outcomes for their runs."""

from __future__ import annotations

from pathlib import Path

from tests.tiny import STUDY

from gibbsweep.study import Study
from gibbsweep.train import Outcome
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.setup.create import create, reopen

LIKELIHOOD = "validation/log_likelihood"
"""The goal of the tiny study."""


def new_plan(runs: Path, the_study: Study = STUDY, **options: object) -> Plan:
    sweep, settings = create(the_study, SweepOptions(runs=runs, name="s", **options), has_gpu=False)  # type: ignore[arg-type]
    return Plan(the_study, settings, sweep)


def resumed_plan(runs: Path, the_study: Study = STUDY) -> Plan:
    sweep, settings = reopen(the_study, SweepOptions(runs=runs, resume="s"))
    return Plan(the_study, settings, sweep)


def outcome_of(planned: PlannedRun) -> Outcome:
    """A pretended result: best at a learning rate of .1."""
    value = -abs(planned.values.get("learning_rate", 0.1) - 0.1)
    return Outcome("completed", 20, {LIKELIHOOD: value}, device_seconds=planned.values.get("k", 1))


def finish(plan: Plan, planned: PlannedRun, outcome: Outcome | None = None) -> None:
    outcome = outcome or outcome_of(planned)
    outcome.write(plan.sweep.trial(planned.name))
    plan.close(planned.name, outcome)


def run_all(plan: Plan) -> list[PlannedRun]:
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        finish(plan, planned)
    return order
