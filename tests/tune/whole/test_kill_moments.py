"""SIGKILL at random moments to whatever a sweep consists of: its driver, the process of a trial, a node of its
cluster."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from tests.patience import ENOUGH_S
from tests.tune.whole.kill_study import EVERY
from tests.tune.whole.killing import ROOT, kill_tree

from gibbsweep.folder import Outcome, read_spool
from gibbsweep.folder.process import CRASHES_ALLOWED
from gibbsweep.study import Results
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage

pytestmark = pytest.mark.cluster

VICTIMS = ["driver"] * 6 + ["worker"] * 10 + ["node"] * 4
SEED = int(os.environ.get("GIBBSWEEP_KILL_SEED", "0"))
NOTICED_S = {"health_check_period_ms": 1000, "health_check_failure_threshold": 5, "health_check_initial_delay_ms": 1000}
SYSTEM = NOTICED_S | {"worker_niceness": 0}  # by default trials give way to whatever else a machine does


class Machines:
    """A head without CPUs and one node with one, as processes of their own: what runs on the node dies with it."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "_system_config": SYSTEM,
            },
        )
        self.add_node()

    def add_node(self) -> None:
        # An address of its own: a driver joins the node that has its own address, and would die with it.
        self.node = self.cluster.add_node(num_cpus=1, node_ip_address="127.0.0.2")

    def kill_node(self) -> None:
        self.cluster.remove_node(self.node, allow_graceful=False)
        self.add_node()

    def trial_processes(self) -> list[psutil.Process]:
        """Ray names a process after what it runs: a node's agents are called so, too, and the node dies with them."""
        found = []
        for process in psutil.Process().children(recursive=True):
            try:
                title = process.cmdline()[:1]
            except psutil.Error:  # it has ended since
                continue
            if title and title[0].startswith("ray::") and not ("IDLE" in title[0] or "Agent" in title[0]):
                found.append(process)
        return found


def patiently(get_node: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    """``get_node`` until it finds the node: Ray gives one that starts 30 s to appear."""

    def find(address: str, node_id: str) -> Any:
        give_up = time.monotonic() + ENOUGH_S
        while True:
            try:
                return get_node(address, node_id)
            except RuntimeError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    return find


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with pytest.MonkeyPatch.context() as patch:
        # Nodes hand their environment to the processes of trials.
        patch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / name) for name in ("platform", "models", ".")))
        patch.setenv("GIBBSWEEP_COUNTED", str(tmp_path_factory.mktemp("counted") / "updates"))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr("ray._private.services.get_node", patiently(ray._private.services.get_node))
        machines = Machines()
        yield machines
        machines.cluster.shutdown()


def saved(runs: Path) -> int:
    """The updates that the checkpoints of all runs hold."""
    return sum(read_progress(folder).step for folder in (runs / "s" / "trials").glob("*/checkpoint"))


def session(runs: Path) -> str:
    """What tells a driver's session from others; a driver writes it once it has looked at the cluster's nodes."""
    file = runs / "s" / "session.json"
    return file.read_text() if file.exists() else ""


def counted() -> int:
    path = Path(os.environ["GIBBSWEEP_COUNTED"])
    return path.stat().st_size if path.exists() else 0


def start(machines: Machines, runs: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "tests/tune/whole/kill_study.py",
            "--runs",
            str(runs),
            "--address",
            machines.cluster.address,
            *words,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


# The precision that pays is measured once a sweep by default, and may be another one in the next.
NEW = ["--budget", "smoke", "--scheduler", "halving", "--precision", "fp32", "--name", "s"]


def record_of(runs: Path) -> dict[str, Any]:
    """What kills must not change: every outcome, report and weight, every entry of the journal; without times."""
    sweep, found = SweepDir(runs / "s"), {}
    for folder in sorted((sweep.path / "trials").iterdir()):
        outcome = Outcome.read(folder)
        assert outcome is not None, folder.name
        assert outcome.kind in ("completed", "pruned"), f"{folder.name}: {outcome}: {outcome.message}"
        reports = [(record.step, _timeless(record.metrics)) for record in read_spool(folder / "metrics.jsonl")]
        state = json.loads((folder / "checkpoint" / "state.json").read_text())
        weights = (folder / "checkpoint" / state["tensors"]).read_bytes()  # a kill may leave older ones
        found[folder.name] = (
            replace(outcome, metrics=_timeless(outcome.metrics), device_seconds=0.0),
            reports,
            weights,
        )
    (study,) = open_storage(sweep).get_all_studies()
    trials = open_storage(sweep).get_all_trials(study._study_id)
    journal = [(t.state, t.params, t.value, dict(t.intermediate_values), t.user_attrs["outcome"]) for t in trials]
    (row,) = Results.from_json((sweep.results / "killed.json").read_text()).rows
    return {
        **found,
        "journal": journal,
        "row": (row.best_config, row.outcomes, _timeless({k: v.mean for k, v in row.metrics.items()})),
    }


def _timeless(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if "second" not in name}


def test_twenty_kills_change_nothing(machines: Machines, tmp_path: Path, seed_store: Callable[[Path], None]) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for runs in (whole, killed):
        seed_store(runs)
    process = start(machines, whole, *NEW)
    try:
        text, _ = process.communicate(timeout=ENOUGH_S)
    finally:
        if process.poll() is None:
            kill_tree(process)
    assert process.returncode == 0, text
    assert "Last result" not in text
    needed = counted()

    dice = random.Random(SEED)
    victims = dice.sample(VICTIMS, len(VICTIMS))
    process, words = start(machines, killed, *NEW), ["--resume", "s"]
    before, history = needed, []
    kept, in_vain, of_the_dead = 0, 0, ""
    try:
        deadline = time.monotonic() + 3 * ENOUGH_S
        while process.poll() is None or victims:
            assert time.monotonic() < deadline, f"after {history}, {len(victims)} left"
            if process.poll() is not None:
                text = process.communicate()[0]
                assert process.returncode == 0, text
                pytest.fail(f"the sweep ended before {victims} were killed: {history}")
            if not victims:
                time.sleep(0.2)
                continue
            # Every kill comes at a random moment after the sweep has trained on since the last one. A run whose process
            # dies once more than so often at one checkpoint fails, as it should.
            if (now := saved(killed)) > kept:
                kept, in_vain = now, 0
            if counted() <= before or in_vain == CRASHES_ALLOWED:
                time.sleep(0.02)
                continue
            time.sleep(dice.uniform(0, 0.3))
            if process.poll() is not None:
                continue
            victim = victims.pop()
            if victim == "node" and session(killed) == of_the_dead:  # its new driver would find no node, or two
                victims.append(victim)
                time.sleep(0.02)
                continue
            before = counted()
            if victim == "driver":
                of_the_dead = session(killed)
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = start(machines, killed, *words)
            elif victim == "worker":
                found = machines.trial_processes()
                if not found:  # between two trials
                    victims.append(victim)
                    continue
                for worker in found:
                    with contextlib.suppress(psutil.NoSuchProcess):  # Ray ends those of a driver that is gone
                        worker.send_signal(signal.SIGKILL)
            else:
                machines.kill_node()
            in_vain += 1
            history.append((victim, before - needed))
        text, _ = process.communicate(timeout=ENOUGH_S)
    finally:
        if process.poll() is None:
            kill_tree(process)
    assert process.returncode == 0, text
    assert len(history) == len(VICTIMS)
    assert record_of(killed) == record_of(whole)
    redone = counted() - 2 * needed
    assert 0 < redone <= len(VICTIMS) * EVERY, "more than a checkpoint's interval was trained again after a kill"
