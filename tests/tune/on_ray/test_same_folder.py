"""A trial that stands in another folder than its driver's trains nothing, writes nothing, and the sweep pauses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.tiny import study
from tests.tune.one_cpu import one_cpu
from tests.tune.plans import new_plan
from tests.tune.whole.sweeping import sweep

from gibbsweep.folder import Outcome
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.on_ray import bridge, same_folder
from gibbsweep.tune.on_ray.bridge import PlanSearcher
from gibbsweep.tune.on_ray.same_folder import NotTheSame, check_same, sign
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.sweep import Interrupted


def test_the_driver_s_folder_is_known_by_its_sign(tmp_path: Path) -> None:
    own = SweepDir(tmp_path / "runs" / "s")
    run_dir = own.trial("rbm-0000")
    for _ in range(2):
        with pytest.raises(NotTheSame, match=f"{tmp_path / 'runs'} on .* is not the folder of that name"):
            check_same(run_dir, "now", patience_s=0.0)
        assert not run_dir.exists(), "it writes nothing"
        own.path.mkdir(parents=True, exist_ok=True)
    sign(own, "earlier")
    with pytest.raises(NotTheSame):
        check_same(run_dir, "now", 0.0)
    sign(own, "now")
    check_same(run_dir, "now", 0.0)
    own.session.write_text('{"session"')
    with pytest.raises(NotTheSame):
        check_same(run_dir, "now", 0.0)


def test_a_folder_that_is_remembered_as_it_was_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SweepDir(tmp_path / "runs" / "s")
    looks: list[float] = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            sign(own, "now")

    monkeypatch.setattr(same_folder.time, "sleep", wait)
    check_same(own.trial("rbm-0000"), "now", patience_s=3600.0)
    assert len(looks) == 3


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_of_one_cpu")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_sweep_whose_machines_have_another_folder_pauses_and_goes_on_once_they_share_it(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_ray: Any
) -> None:
    start_ray(workers)
    with monkeypatch.context() as patched:
        patched.setattr(same_folder, "PATIENCE_S", 0.0)
        patched.setattr(same_folder, "sign", lambda *_: None)  # as if it were in the folder of another machine
        with pytest.raises(Interrupted) as stopped:
            sweep(tmp_path, study(), trials=1, seeds=1, workers_per_trial=workers)
    assert stopped.value.exit_code == 130
    message = str(stopped.value)
    assert message.startswith(f"paused after 0 of 4 runs: {tmp_path} on ")
    assert "is not the folder of that name on the machine that drives the sweep" in message
    assert "nothing is lost: mount one folder on all machines" in message and "--resume s" in message
    assert not list(tmp_path.glob("s/trials/*/outcome.json"))
    assert not list(tmp_path.glob("s/trials/*/metrics.jsonl")), "nothing was trained"
    if workers > 1:
        return  # a second worker group would take a while
    results, _ = sweep(tmp_path, study(), name=None, budget=None, resume="s")
    assert [row.outcomes["completed"] for row in results.rows] == [2, 2]


def searcher_of(plan: Plan, *, several: bool) -> tuple[PlanSearcher, Gate]:
    """A searcher of one trial in flight, whose machines are one or ``several``."""
    devices, retries = one_cpu(plan)
    if several:
        devices.nodes = devices.nodes * 2
    gate = Gate(plan, StopRequest(plan.sweep))
    nothing: Any = None
    found = PlanSearcher(gate, nothing, devices, retries)
    planned = plan.next()
    assert planned is not None
    found._names["t"] = planned.name
    return found, gate


def test_what_another_machine_wrote_late_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = new_plan(tmp_path, study(), budget="smoke")
    searcher, _ = searcher_of(plan, several=True)
    name = searcher._names["t"]
    completed = Outcome("completed", 10, {"validation/log_likelihood": -20.0}, device_seconds=2.0)
    looks: list[float] = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 5:
            completed.write(plan.run_dir(name))

    monkeypatch.setattr(bridge.time, "sleep", wait)
    searcher.on_trial_complete("t", {"step": 10})
    assert plan.outcomes[name] == completed
    assert Outcome.read(plan.run_dir(name)) == completed
    assert len(looks) == 5


@pytest.mark.parametrize("several", [True, False])
def test_a_run_that_left_nothing_has_failed_after_a_minute_where_there_are_other_machines(
    several: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan(tmp_path, study(), budget="smoke")
    searcher, _ = searcher_of(plan, several=several)
    now = [0.0]
    monkeypatch.setattr(bridge.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(bridge.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    searcher.on_trial_complete("t", {"step": 4})
    (outcome,) = plan.outcomes.values()
    assert (outcome.kind, outcome.step) == ("failed", 4)
    assert "it ended without an outcome" in outcome.message
    assert now[0] == (60.0 if several else 0.0)


def test_a_stop_while_an_outcome_is_awaited_leaves_the_run_unfinished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = new_plan(tmp_path, study(), budget="smoke")
    searcher, gate = searcher_of(plan, several=True)
    monkeypatch.setattr(bridge.time, "sleep", lambda _: gate.halt("a person said so", ""))
    searcher.on_trial_complete("t", {"step": 4})
    assert not plan.outcomes and not plan.running
    assert not list(tmp_path.rglob("outcome.json"))


def test_a_machine_is_another_one_where_the_cluster_grows(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, study(), budget="smoke")
    devices, _ = one_cpu(plan)
    assert not devices.on_several
    grows = Devices(devices.requests, 1, list, trials_folder=tmp_path, grows=True)
    assert grows.on_several and not grows.fit_somewhere()
    assert devices.fit_somewhere()
