"""The tracker's process: a running sweep, a server that is down, a driver that is killed."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.patience import ENOUGH_S, wait_until
from tests.track.waiting import sent_beyond, text_of

from gibbsweep.track import Tracker, sync
from gibbsweep.track.follower import MAX_WAIT_S, NICENESS, pause_after
from gibbsweep.track.mirror.report import count_pending
from gibbsweep.track.stores.store import connect

pytestmark = pytest.mark.cluster


def test_follows_a_running_sweep(
    store: str, sweep: Any, expected: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05) as tracker:
        trial = sweep.trial("rbm-0000")
        for step in range(1, 21):
            trial.report(step, loss=float(step))
        wait_until(lambda: (trial.folder / "tracked.json").exists() and trial.tracked["offset"] > 0)
        assert sweep.runs(store)["rbm-0000"].info.status == "RUNNING"
        for step in range(21, 31):
            trial.report(step, loss=float(step))
        wait_until(lambda: "system/cpu_utilization_percentage" in sweep.runs(store)["cd_k-1"].data.metrics)
        trial.end("completed", 30)
        sweep.trial("rbm-0001").report(1, loss=1.0)
        tracker.close("FINISHED", timeout_s=ENOUGH_S)
    runs = sweep.runs(store)
    assert {name: run.info.status for name, run in runs.items()} == {
        "cd_k-1": "FINISHED",
        "rbm-0000": "FINISHED",
        "rbm-0001": "KILLED",  # never got an outcome
    }
    assert sweep.history(store, "rbm-0000", "loss") == expected(range(1, 31), float)
    assert connect(store).get_experiment_by_name("cd_k") is not None
    assert capfd.readouterr() == ("", "")
    steps = [step for step, _, _ in sweep.history(store, "cd_k-1", "system/cpu_utilization_percentage")]

    # Resumed: the same runs go on, and so do the steps of the system metrics.
    sweep_tracker = Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05).start()
    wait_until(lambda: sweep.runs(store)["cd_k-1"].info.status == "RUNNING")
    wait_until(lambda: len(sweep.history(store, "cd_k-1", "system/cpu_utilization_percentage")) > len(steps))
    report = sweep_tracker.close("FAILED", timeout_s=ENOUGH_S)
    assert (report.pending, report.error) == (0, "")
    after = [step for step, _, _ in sweep.history(store, "cd_k-1", "system/cpu_utilization_percentage")]
    assert len(after) == len(set(after))
    assert sweep.runs(store)["cd_k-1"].info.status == "FAILED"


def test_a_dead_server_neither_blocks_nor_raises(sweep: Any) -> None:
    dead = "http://127.0.0.1:9"
    trial = sweep.trial("rbm-0000")
    tracker = Tracker(sweep.folder, tracking_uri=dead, experiment="cd_k", period_s=0.05)
    tracker.start()
    trial.report(1, loss=1.0)
    trial.image("samples", 1)
    trial.end("completed", 1)
    wait_until(lambda: "attempt 1 failed" in text_of(sweep.folder / "track.log"))
    report = tracker.close(timeout_s=0.5)
    assert report.error
    assert (report.runs, report.metrics_sent) == (0, 0)
    assert report.pending == 4  # a spool line, an image, an outcome, sweep.json
    report = sync(sweep.folder, tracking_uri=dead)
    assert "127.0.0.1" in report.error
    assert report.pending == 4


def test_a_tracker_that_is_not_alone_says_so(store: str, sweep: Any) -> None:
    sweep.trial("rbm-0000").report(1, loss=1.0)
    first = Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05, system_metrics=False).start()
    wait_until(lambda: (sweep.folder / "tracked.json").exists())
    second = Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05, system_metrics=False).start()
    assert "tracked by another process" in second.close(timeout_s=ENOUGH_S).error
    assert first.close(timeout_s=ENOUGH_S).error == ""


def test_pauses_grow_to_a_bound_however_long_a_store_is_away() -> None:
    assert [pause_after(n, 0.05) for n in (0, 1, 2)] == [0.05, 0.1, 0.2]
    assert pause_after(100_000, 0.05) == MAX_WAIT_S


def test_a_sweep_without_its_file_is_an_error_in_the_report(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gibbsweep.track.tracker._REPORT_S", ENOUGH_S)
    folder = tmp_path / "runs" / "empty"
    (folder / "trials" / "rbm-0000").mkdir(parents=True)
    (folder / "trials" / "rbm-0000" / "metrics.jsonl").touch()  # tracking begins with the first of them
    tracker = Tracker(folder, tracking_uri=store, experiment="x", period_s=0.05).start()
    wait_until(lambda: "attempt 1 failed" in text_of(folder / "track.log"))
    assert "sweep.json is missing" in tracker.close(timeout_s=5.0).error


def test_a_tracking_process_that_is_killed_is_told_and_loses_nothing(store: str, sweep: Any, expected: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    tracker = Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05, system_metrics=False).start()
    # Not even sweep.json is pending, which is sent after the trials.
    wait_until(lambda: count_pending(sweep.folder, store) == 0)
    assert tracker._process is not None
    tracker._process.kill()
    tracker._process.wait()
    trial.report(2, loss=2.0)
    trial.end("completed", 2)
    report = tracker.close("FINISHED", timeout_s=ENOUGH_S)
    assert "ended with code -9 and no report: see" in report.error and report.error.endswith("track.log")
    assert (report.runs, report.pending) == (1, 2)  # a spool line and the outcome
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    assert sweep.history(store, "rbm-0000", "loss") == expected(range(1, 3), float)
    assert sweep.runs(store)["cd_k-1"].info.status == "FINISHED"


def test_ctrl_c_is_the_drivers(store: str, sweep: Any) -> None:
    """A terminal sends it to the tracking process, too, which goes on until the driver says how the sweep ended, and
    gives way to it."""
    sweep.trial("rbm-0000").report(1, loss=1.0)
    tracker = Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05, system_metrics=False).start()
    wait_until(lambda: (sweep.folder / "tracked.json").exists())
    assert tracker._process is not None
    assert os.getpriority(os.PRIO_PROCESS, tracker._process.pid) == min(
        os.getpriority(os.PRIO_PROCESS, 0) + NICENESS, 19
    )
    tracker._process.send_signal(signal.SIGINT)
    report = tracker.close("KILLED", timeout_s=ENOUGH_S)
    assert (report.runs, report.pending, report.error) == (1, 0, "")
    assert sweep.runs(store)["cd_k-1"].info.status == "KILLED"


DRIVER = """
import sys, time
from pathlib import Path
from gibbsweep.track import Tracker
Tracker(Path(sys.argv[1]), tracking_uri=sys.argv[2], experiment="cd_k", period_s=0.01, system_metrics=False).start()
time.sleep(900)
"""


def test_killed_between_batches(store: str, sweep: Any, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gibbsweep.track.mirror.sweep._ORPHAN_S", ENOUGH_S)  # for the process that a killed driver left
    trials = [sweep.trial(f"rbm-{i:04d}") for i in range(3)]
    stop = threading.Event()
    written = [0]

    def write() -> None:
        while not stop.is_set():
            written[0] += 1
            for trial in trials:
                trial.report(written[0], loss=float(written[0]), energy_gap=-float(written[0]))
            if written[0] % 20 == 0:
                trials[0].image("samples", written[0])
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        offset = 0
        for _ in range(2):
            driver = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(sweep.folder), store],
                env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
            )
            wait_until(functools.partial(sent_beyond, trials[2], offset))
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            offset = trials[2].tracked["offset"]
    finally:
        stop.set()
        writer.join()
    for trial in trials:
        trial.end("completed", written[0])
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.runs, report.pending, report.error) == (3, 0, "")
    steps = range(1, written[0] + 1)
    for trial in trials:
        assert sweep.history(store, trial.folder.name, "loss") == expected(steps, float)
        assert sweep.history(store, trial.folder.name, "energy_gap") == expected(steps, lambda step: -float(step))
    run_id = sweep.runs(store)["rbm-0000"].info.run_id
    images = [item.path for item in connect(store).list_artifacts(run_id, "images") if item.path.endswith(".png")]
    assert len(images) == written[0] // 20
    assert sweep.runs(store)["rbm-0000"].info.status == "FINISHED"


def test_close_remembers_status_and_experiment_for_sync(store: str, sweep: Any) -> None:
    sweep.trial("rbm-0000").report(1, loss=1.0)
    tracker = Tracker(sweep.folder, tracking_uri="http://127.0.0.1:9", experiment="mine", period_s=0.05).start()
    wait_until(lambda: (sweep.folder / "tracked.json").exists())
    tracker.close("FAILED", timeout_s=0.5)
    assert json.loads((sweep.folder / "tracked.json").read_text())["ending"] == "FAILED"
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    run = sweep.runs(store)["cd_k-1"]
    assert run.info.status == "FAILED"
    assert connect(store).get_experiment(run.info.experiment_id).name == "mine"


def test_the_first_close_decides(store: str, sweep: Any) -> None:
    with Tracker(sweep.folder, tracking_uri=store, experiment="cd_k", period_s=0.05, system_metrics=False) as tracker:
        assert tracker.close("KILLED", timeout_s=ENOUGH_S).pending == 0
    assert sweep.runs(store)["cd_k-1"].info.status == "KILLED"
