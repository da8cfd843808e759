"""Retries and stability in a sweep, without Ray."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial
from rich.console import Console
from tests.tiny import STUDY, study
from tests.tune.plans import finish, new_plan, resumed_plan

from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, Restart, spent
from gibbsweep.study import Goal
from gibbsweep.train import SpoolReporter
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.options.options import SweepOptions, check_options
from gibbsweep.tune.options.settings import fingerprint
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import reopen
from gibbsweep.tune.sweep import run_sweep


def test_retries_decide_and_are_recorded(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, retries=2)
    assert plan.search_of("rbm").contender.budget.retries == 2
    assert plan.sweep.record()["options"]["retries"] == 2
    assert resumed_plan(tmp_path).settings.retries == 2
    with pytest.raises(UserError, match="retries = 2"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="s", retries=1))
    with pytest.raises(UserError, match="--retries must be at least 0"):
        check_options(SweepOptions(retries=-1))


def test_a_budget_s_own_retries_are_the_default(tmp_path: Path) -> None:
    budgets = {name: replace(budget, retries=3) for name, budget in STUDY.budgets.items()}
    plan = new_plan(tmp_path, study(budgets=budgets))
    assert plan.settings.retries is None
    assert plan.search_of("rbm").contender.budget.retries == 3
    halved = fingerprint(plan.study, plan.settings)["rbm"]["halve"]
    assert halved == {"learning_rate": STUDY.contenders["rbm"].config.learning_rate}  # type: ignore[attr-defined]


def test_a_contender_with_nothing_to_halve_is_refused_before_anything_trains(tmp_path: Path) -> None:
    contenders = {"rbm": replace(STUDY.contenders["rbm"], halved_on_restart=())}
    new_plan(tmp_path / "without", study(contenders=contenders))
    with pytest.raises(UserError, match="names no step sizes"):
        new_plan(tmp_path, study(contenders=contenders), retries=1)
    with pytest.raises(UserError, match="n_hidden"):
        study(contenders={"rbm": replace(STUDY.contenders["rbm"], halved_on_restart=("n_hidden",))})


def in_the_journal(plan: Plan) -> list[FrozenTrial]:
    storage = open_storage(plan.sweep)
    (study,) = storage.get_all_studies()
    return storage.get_all_trials(study._study_id)


def test_a_study_may_search_for_stability(tmp_path: Path) -> None:
    """A divergence is then a value like any other; a failure is none."""
    plan = new_plan(tmp_path, study(goal=Goal("stability", "maximize")), trials=3)
    ends = [
        ("diverged", 0.2),
        ("completed", 0.5),
        ("diverged", 0.4),
        ("completed", 1.0),
        ("failed", None),
        ("diverged", 0.1),
    ]
    values = []
    for kind, stability in ends:
        planned = plan.next()
        assert planned is not None
        values.append(planned.values)
        metrics = {} if stability is None else {"stability": stability}
        finish(plan, planned, Outcome(kind, 10, metrics))  # type: ignore[arg-type]
    trials = in_the_journal(plan)
    assert [(t.state.name, t.value) for t in trials] == [
        ("FAIL" if value is None else "COMPLETE", value) for _, value in ends
    ]
    assert [t.user_attrs["outcome"] for t in trials] == [kind for kind, _ in ends]
    best = [arm.best() for arm in plan.arms()]
    assert [record and record.values for record in best] == values[2:4], "with k=1 the one that survived longest"


def test_optuna_knows_the_restarts_of_a_trial(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    planned = plan.next()
    assert planned is not None
    restart = Restart(3, "cd", "diverged", resumed_at=0)
    finish(plan, planned, Outcome("completed", 20, {"validation/log_likelihood": 1.0}, restarts=(restart,)))
    (trial,) = in_the_journal(plan)
    assert (trial.state.name, trial.user_attrs["restarts"]) == ("COMPLETE", 1)


def test_a_sweep_s_clock_adds_up_its_parts(tmp_path: Path) -> None:
    sweep = SweepDir(tmp_path)
    for devices, seconds in ((2, 10.0), (0, 5.0), (4, 20.0)):
        clock = SweepClock(sweep, time.time() - seconds)
        clock.train_on(devices)
        clock.tick()
        clock.tick(every=3600.0)
    again = SweepClock(sweep, time.time())
    assert again.wall_seconds == pytest.approx(35.0, abs=0.5)
    assert again.available == pytest.approx(2 * 10 + 4 * 20, abs=2)
    assert again.devices == 4
    unknown = SweepClock(sweep, time.time())
    unknown.train_on(None)
    unknown.tick()
    assert SweepClock(sweep, time.time()).available is None


def test_what_an_ended_process_had_spent_is_in_its_last_report(tmp_path: Path) -> None:
    assert spent(tmp_path) == {}
    spool = SpoolReporter(tmp_path)
    for step in (5, 10):
        spool(step, {"train/device_seconds": step / 10, "train/samples": step * 32, "train/nfe": step * 4})
    spool.close()
    assert spent(tmp_path) == {"device_seconds": 1.0, "samples": 320, "nfe": 40}


def test_the_table_of_a_sweep_says_what_was_restarted_and_what_counted(tmp_path: Path) -> None:
    """A sweep whose runs have all ended is read from its folder, without Ray."""
    plan = new_plan(tmp_path, retries=1)
    restart = Restart(3, "cd", "diverged at update 3", resumed_at=0, lost_seconds=0.25)
    while (planned := plan.next()) is not None:
        metrics = {"validation/log_likelihood": 1.0, "test/log_likelihood": -9.0}
        again = planned.kind == "retrain" and planned.option == 2 and planned.seed == 1
        finish(plan, planned, Outcome("completed", 20, metrics, 1.0, restarts=(restart,) if again else ()))
    clock = SweepClock(plan.sweep, time.time() - 8.0)
    clock.train_on(2)
    clock.tick()
    results = run_sweep(STUDY, SweepOptions(runs=tmp_path, resume="s"), console=Console(quiet=True), command="x")
    assert [row.metrics["stability"].mean for row in results.rows] == [1.0, 0.5]
    assert [row.restarts for row in results.rows] == [0, 1]
    assert results.accounting is not None
    assert (results.accounting.useful, results.accounting.restarted) == (7.75, 0.25)
    assert results.accounting.efficiency == pytest.approx(7.75 / 16, rel=0.05)
    text = (tmp_path / "s" / "results" / "tiny.md").read_text()
    assert "device-seconds (2 devices) in updates that count, restarted 0.2 s." in text
