"""The driver's own work for a trial, as a function of how many there are: no Ray, everything on disk as in a sweep."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import idle

from gibbsweep.train import Outcome
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.schedulers.choice import SchedulerName
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.table.rows import rows_of


def cost_of_a_trial(n: int, scheduler: SchedulerName = "halving") -> float:
    """Seconds of the driver for each of ``n`` trials by random search.

    A trial is the question whether the sweep has ended, the next run, its report, and its pause or its outcome (written
    to its folder), with the journal on disk. The table at the end is included.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = SweepOptions(
            runs=Path(folder), name="s", sampler="random", trials=n, seeds=0, budget="laptop", contenders=("sleeper",),
            scheduler=scheduler,
        )  # fmt: skip
        sweep, settings = create(idle.STUDY, asked, has_gpu=False)
        plan = Plan(idle.STUDY, settings, sweep)
        goal = plan.search_of("sleeper").goals[0].metric
        start = time.perf_counter()
        while not plan.finished():
            planned = plan.next()
            if planned is None:
                continue
            metrics = {goal: (planned.values["value"] - 0.3) ** 2}
            plan.report(planned.name, planned.runs_to, metrics)
            whole = planned.runs_to == idle.STUDY.budgets["laptop"].updates
            outcome = Outcome("completed" if whole else "paused", planned.runs_to, metrics, 60.0)
            outcome.write(sweep.trial(planned.name))
            if not (not whole and plan.pause(planned.name)):
                plan.close(planned.name, outcome)
        rows_of(plan)
        return (time.perf_counter() - start) / n
