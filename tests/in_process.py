"""A whole sweep in this process: every part of one but Ray and the tracking process, which take seconds to start."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gibbsweep.results.results import Results
from gibbsweep.run.run import run
from gibbsweep.study import Study
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.assignments import Assignments
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.table.assemble import assemble
from gibbsweep.tune.table.write import write_results


def sweep_here(
    study: Study, options: SweepOptions, stop_after: int | None = None, sent: Callable[[Any], Any] = lambda run: run
) -> tuple[Path, Results | None]:
    """Carry out a sweep, one run after the other: its folder and its table, None where it stopped after so many runs.

    ``sent``: what becomes of a run's assignment on its way to the process that would carry it out.
    """
    sweep, settings = create(study, options, has_gpu=False)
    plan, clock = Plan(study, settings, sweep), SweepClock(sweep, time.time())
    write_outline(sweep, outline(plan))
    assignments, done = Assignments(plan, options), 0
    while (planned := plan.next()) is not None:
        if done == stop_after:
            return sweep.path, None
        outcome = run(sent(assignments.of(planned)), announce=_announce(plan, planned.name))
        plan.close(planned.name, outcome)
        done += 1
    results = assemble(study, options, settings, plan, clock, command="python study.py")
    write_outline(sweep, outline(plan))
    write_results(study, results, plan, sweep, options, settings)
    return sweep.path, results


def _announce(plan: Plan, name: str) -> Callable[..., None]:
    def announce(step: int, metrics: Any, images: Any = None, sounds: Any = None) -> None:
        plan.report(name, step, metrics)

    return announce
