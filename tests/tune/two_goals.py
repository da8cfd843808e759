"""A study of two goals, and outcomes for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.tiny import RBM, study

from gibbsweep.study import Contender, Float, Goal, Study
from gibbsweep.train import Outcome
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun

BITS, GAP = Goal("validation/log_likelihood", "maximize"), Goal("validation/energy_gap", "minimize")


FREE = Contender(RBM, "energy", {"learning_rate": Float(0.01, 0.3, log=True)})


def two(**changes: Any) -> Study:
    return study(**{"goal": (BITS, GAP), "contenders": {"rbm": FREE}, **changes})


TWO = two()


def measured(planned: PlannedRun) -> Outcome:
    """Pretended: the likelihood is best at a rate of .1, the gap at .03; between them is the front."""
    rate = planned.values["learning_rate"]
    metrics = {BITS.metric: -abs(rate - 0.1), GAP.metric: abs(rate - 0.03), "test/log_likelihood": rate}
    return Outcome("completed", 20, metrics, device_seconds=1.0)


def end(plan: Plan, planned: PlannedRun, outcome: Outcome | None = None) -> None:
    outcome = outcome or measured(planned)
    outcome.write(plan.sweep.trial(planned.name))
    plan.close(planned.name, outcome)


def run_segment(plan: Plan, planned: PlannedRun) -> None:
    """To the end, or to the rung where it reports and pauses."""
    whole = measured(planned)
    if planned.runs_to == 20:
        end(plan, planned)
        return
    replace(whole, kind="paused", step=planned.runs_to).write(plan.sweep.trial(planned.name))
    assert not plan.report(planned.name, planned.runs_to, whole.metrics)
    assert plan.pause(planned.name)


def run_all(plan: Plan) -> list[PlannedRun]:
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        run_segment(plan, planned)
    return order


def losses(record: Any) -> tuple[float, ...]:
    return (-record.objectives[0], record.objectives[1])
