"""What a person is told of a sweep that waits for machines, and for how long nothing is said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.tiny import study
from tests.tune.plans import new_plan

from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.resources.shares import Node, Request
from gibbsweep.tune.status import live, waiting
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.status.waiting import ASK_AFTER_S, ASK_EVERY_S, FULL_S, GRACE_S, LOOK_EVERY_S, Waiting


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Cluster:
    """A cluster without machines but its head, whose autoscaler is asked."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.nodes, self.asked = [Node(0.0)], 0
        self.devices = Devices(
            {"rbm": Request(cpus=1, gpus=1.0)}, 1, lambda: self.nodes, trials_folder=folder, grows=True
        )
        self.waiting = Waiting(self.devices, self.autoscaler_says, clock)

    def autoscaler_says(self) -> str:
        self.asked += 1
        return "could not launch gpu_worker (MaxSpotInstanceCountExceeded)"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cluster(tmp_path: Path, clock: Clock) -> Cluster:
    return Cluster(tmp_path, clock)


def test_processes_that_start_and_trials_that_run_are_no_news(cluster: Cluster, clock: Clock) -> None:
    assert cluster.waiting.sentence(pending=8, running=0) == ""
    clock.now += GRACE_S - 1
    assert cluster.waiting.sentence(8, 0) == ""
    assert cluster.waiting.sentence(7, 1) == "" == cluster.waiting.sentence(0, 0)
    clock.now += GRACE_S - 1
    assert cluster.waiting.sentence(8, 0) == "", "it is counted anew"


def test_nodes_are_awaited_in_words_and_then_the_autoscaler_is_asked(cluster: Cluster, clock: Clock) -> None:
    cluster.waiting.sentence(8, 0)
    clock.now += 96
    said = "waiting for nodes for 1:36: 8 trials ask for 1 CPU and 1 GPU each"
    assert cluster.waiting.sentence(8, 0) == said
    assert cluster.waiting.sentence(1, 0) == "waiting for nodes for 1:36: 1 trial asks for 1 CPU and 1 GPU"
    assert cluster.asked == 0
    clock.now += ASK_AFTER_S - 96
    for _ in range(3):
        sentence = cluster.waiting.sentence(8, 0)
        assert sentence.endswith("; Ray's autoscaler: could not launch gpu_worker (MaxSpotInstanceCountExceeded)")
    assert cluster.asked == 1
    clock.now += ASK_EVERY_S
    cluster.waiting.sentence(8, 0)
    assert cluster.asked == 2


def test_machines_with_room_that_others_have_taken_are_said_to_be_full(cluster: Cluster, clock: Clock) -> None:
    cluster.nodes = [Node(0.0), Node(8.0, 1.0)]
    cluster.waiting.sentence(8, 0)
    clock.now += FULL_S - 1
    assert cluster.waiting.sentence(8, 0) == ""
    clock.now += LOOK_EVERY_S
    assert cluster.waiting.sentence(8, 0).startswith("waiting for room on the cluster's machines for 3:04")
    clock.now += ASK_AFTER_S
    assert "autoscaler" not in cluster.waiting.sentence(8, 0)


def test_one_machine_whose_processes_start_slowly_is_no_news(tmp_path: Path, clock: Clock) -> None:
    alone = Devices({"rbm": Request()}, 1, lambda: [Node(2.0)], trials_folder=tmp_path)
    says = Waiting(alone, lambda: "nothing", clock)
    says.sentence(2, 0)
    clock.now += 100 * FULL_S
    assert says.sentence(2, 0) == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_the_view_shows_it_and_a_log_says_it_once(
    terminal: bool, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting.time, "monotonic", clock.monotonic)
    plan = new_plan(tmp_path, study(), budget="smoke")
    gate = Gate(plan, StopRequest(plan.sweep))
    gate.devices = Devices({"rbm": Request()}, 1, lambda: [Node(0.0)], trials_folder=plan.sweep.trials, grows=True)
    out = io.StringIO()
    console = Console(file=out, width=60, height=20, force_terminal=terminal, color_system=None)
    with Progress(
        gate, console, SweepClock(plan.sweep, 0.0), lambda: "nothing pending " + "and a long reason " * 4
    ) as shown:
        shown.trials(pending=4, running=0)
        clock.now += ASK_AFTER_S
        for _ in range(3):
            shown.trials(4, 0)
            shown.changed()
        clock.now += live.SAY_AGAIN_S
        for _ in range(2):
            shown.trials(4, 0)
            shown.changed()
        before = out.getvalue()
        shown.trials(0, 4)
        shown.changed()
    assert "waiting for nodes" in before
    assert "Ray's autoscaler: nothing pending" in " ".join(before.split())
    if not terminal:
        assert before.count("waiting for nodes") == 2
        assert out.getvalue() == before
