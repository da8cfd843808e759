"""A real tracking server over HTTP, and PostgreSQL where it is installed."""

from __future__ import annotations

import math
from typing import Any

from tests.patience import wait_until
from tests.track.waiting import text_of

from gibbsweep.track import Tracker, metric_history, migrate, sync
from gibbsweep.track.mirror.report import count_pending
from gibbsweep.track.stores.store import connect


def test_a_server_that_comes_up_late_gets_everything_once(late_server: Any, new_sweep: Any, expected: Any) -> None:
    server, sweep = late_server, new_sweep
    migrate(server.uri)  # nothing to do: a server owns its tables
    tracker = Tracker(sweep.folder, tracking_uri=server.uri, experiment="cd_k", period_s=0.05).start()
    trial = sweep.trial("rbm-0000")
    for step in range(1, 101):
        trial.report(step, loss=float(step), noise=math.nan, up=math.inf)
    trial.image("samples", 100)
    log = sweep.folder / "track.log"
    wait_until(lambda: "attempt 1 failed" in text_of(log), said=lambda: text_of(log) or "no track.log")
    server.start()
    for step in range(101, 201):
        trial.report(step, loss=float(step), noise=math.nan, up=-math.inf)
    trial.end("completed", 200, **{"eval/mmd": 0.5})
    report = tracker.close(timeout_s=60.0)
    assert (report.runs, report.pending, report.error) == (1, 0, "")
    assert sync(sweep.folder, tracking_uri=server.uri).metrics_sent == 0

    assert sweep.history(server.uri, "rbm-0000", "loss") == expected(range(1, 201), float)
    run = sweep.runs(server.uri)["rbm-0000"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["gibbsweep.infinite_metrics"] == "up=+inf@1, up=-inf@101"
    up = metric_history(server.uri, run.info.run_id, "up")
    assert list(up["value"]) == [math.inf] * 100 + [-math.inf] * 100
    assert all(math.isnan(value) for _, _, value in sweep.history(server.uri, "rbm-0000", "noise"))
    assert run.inputs.dataset_inputs[0].dataset.name == "digits"
    client = connect(server.uri)
    assert {item.path for item in client.list_artifacts(run.info.run_id)} == {
        "checkpoint",
        "config.json",
        "images",
        "log.txt",
        "outcome.json",
    }
    assert len(client.list_artifacts(run.info.run_id, "images")) == 2
    assert sweep.runs(server.uri)[sweep.folder.name].info.status == "FINISHED"


def test_a_line_that_is_cut_while_the_sweep_runs(server: Any, wire: Any, new_sweep: Any, expected: Any) -> None:
    server.start()
    sweep = new_sweep
    tracker = Tracker(sweep.folder, tracking_uri=wire.uri, experiment="cd_k", period_s=0.05, system_metrics=False)
    tracker.start()
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    wait_until(lambda: count_pending(sweep.folder, wire.uri) == 0)
    wire.cut = True
    trial.report(2, loss=2.0)
    report = tracker.close(timeout_s=1.0)
    assert report.error
    assert report.pending == 1
    wire.cut = False
    report = sync(sweep.folder, tracking_uri=wire.uri)
    assert (report.pending, report.error) == (0, "")
    assert sweep.history(server.uri, "rbm-0000", "loss") == expected(range(1, 3), float)
    runs = sweep.runs(server.uri)
    assert runs[sweep.folder.name].info.status == "FINISHED"  # as the sweep had asked
    assert runs["rbm-0000"].info.status == "KILLED"


def test_lost_answers_create_nothing_twice(server: Any, wire: Any, new_sweep: Any, expected: Any) -> None:
    """The answer to every request is lost once: to the first of all, then to the second, ..."""
    server.start()
    sweep = new_sweep
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0, noise=math.nan, up=math.inf)
    trial.image("samples", 1)
    trial.end("completed", 1)
    attempts = 0
    while True:
        attempts += 1
        wire.requests = 0
        wire.lose = lambda number, last=attempts: number == last
        report = sync(sweep.folder, tracking_uri=wire.uri)
        if wire.requests < attempts:
            break
        for path in sweep.folder.rglob("tracked.json"):
            path.unlink()  # the next attempt makes every request again
    assert attempts > 15
    assert (report.pending, report.error) == (0, "")
    assert set(sweep.runs(server.uri)) == {sweep.folder.name, "rbm-0000"}
    for key in ("loss", "noise", "up"):
        assert len(sweep.history(server.uri, "rbm-0000", key)) == 1
    run = sweep.runs(server.uri)["rbm-0000"]
    assert len(connect(server.uri).list_artifacts(run.info.run_id, "images")) == 2
    assert len(run.inputs.dataset_inputs) == 1
    assert run.info.status == "FINISHED"


def test_postgresql(postgres: str, sweep: Any, expected: Any) -> None:
    migrate(postgres)
    trial = sweep.trial("rbm-0000")
    for step in range(1, 11):
        trial.report(step, loss=float(step), noise=math.nan, up=math.inf)
    trial.image("samples", 10)
    trial.end("completed", 10)
    for _ in range(2):
        report = sync(sweep.folder, tracking_uri=postgres)
        assert (report.pending, report.error) == (0, "")
        for path in sweep.folder.rglob("tracked.json"):
            path.unlink()
    assert sweep.history(postgres, "rbm-0000", "loss") == expected(range(1, 11), float)
    assert len(sweep.history(postgres, "rbm-0000", "noise")) == 10
    run = sweep.runs(postgres)["rbm-0000"]
    assert list(metric_history(postgres, run.info.run_id, "up")["value"]) == [math.inf] * 10
    assert (sweep.folder.parent / "mlartifacts").is_dir()
