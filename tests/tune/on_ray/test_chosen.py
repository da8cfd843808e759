"""Which of the trials that wait gets a process that has become free."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial
from tests.tiny import study
from tests.tune.one_cpu import one_cpu
from tests.tune.plans import new_plan

from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.on_ray.bridge import PlanScheduler
from gibbsweep.tune.resources.gate import Gate


def test_a_free_process_is_the_newest_trial_s_and_no_other_s(tmp_path: Path) -> None:
    """The older one waits for a process of its own, which Tune would end, about to start, if it gave it this one."""
    plan = new_plan(tmp_path, study(), budget="smoke")
    scheduler = PlanScheduler(Gate(plan, StopRequest(plan.sweep)), one_cpu(plan)[1])
    older, newer = (SimpleNamespace(status=Trial.PENDING) for _ in range(2))
    trials: Any = SimpleNamespace(get_trials=lambda: [older, newer])
    assert scheduler.choose_trial_to_run(trials) is None
    for trial in (older, newer):
        added: Any = trial
        scheduler.on_trial_add(trials, added)
        assert scheduler.choose_trial_to_run(trials) is added
    newer.status = Trial.RUNNING
    assert scheduler.choose_trial_to_run(trials) is None
