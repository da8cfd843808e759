"""Plans of the tiny study, new or resumed, and pretended outcomes for their runs."""

from __future__ import annotations

from pathlib import Path

from tests.tiny import STUDY

from gibbsweep.study import Study
from gibbsweep.train import Outcome
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import Planned
from gibbsweep.tune.setup.create import create, reopen


def new_plan(runs: Path, the_study: Study = STUDY, **options: object) -> Plan:
    sweep, decided = create(the_study, SweepOptions(runs=runs, name="s", **options), has_gpu=False)  # type: ignore[arg-type]
    return Plan(the_study, decided, sweep)


def resumed_plan(runs: Path, the_study: Study = STUDY) -> Plan:
    sweep, decided = reopen(the_study, SweepOptions(runs=runs, resume="s"))
    return Plan(the_study, decided, sweep)


def outcome_of(planned: Planned) -> Outcome:
    """A pretended result: best at a learning rate of .1."""
    value = -abs(planned.values.get("learning_rate", 0.1) - 0.1)
    return Outcome("completed", 20, {"validation/log_likelihood": value}, device_seconds=planned.values.get("k", 1))


def finish(plan: Plan, planned: Planned, outcome: Outcome | None = None) -> None:
    outcome = outcome or outcome_of(planned)
    outcome.write(plan.sweep.trial(planned.name))
    plan.close(planned.name, outcome)


def run_all(plan: Plan) -> list[Planned]:
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        finish(plan, planned)
    return order
