"""A tracker that dies between any two steps sends everything exactly once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.track import default_tracking_uri, migrate, sync
from gibbsweep.track.store import connect
from gibbsweep.track.tracked import TrackedTrial
from gibbsweep.track.trial import TrialMirror


def test_a_crash_between_sending_and_remembering(
    store: str, sweep: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = sweep.trial("rbm-0000")
    for step in range(1, 301):
        trial.report(step, **{f"m{i}": float(step) for i in range(10)})
    trial.image("samples", 1)
    trial.end("completed", 300)
    save, saves = TrackedTrial.save, 0

    def dying_save(self: TrackedTrial, folder: Path) -> None:
        nonlocal saves
        saves += 1
        if saves % 2 == 0:
            raise KeyboardInterrupt
        save(self, folder)

    monkeypatch.setattr(TrackedTrial, "save", dying_save)
    for _ in range(20):
        try:
            sync(sweep.folder, tracking_uri=store)
        except KeyboardInterrupt:
            continue
    assert saves > 8
    monkeypatch.undo()
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.pending, report.error) == (0, "")
    for key in ("m0", "m9"):
        assert sweep.history(store, "rbm-0000", key) == expected(range(1, 301), float)
    images = [name for name in sweep.artifacts(store, sweep.runs(store)["rbm-0000"].info.run_id) if "images/" in name]
    assert len(images) == 2


def test_thumbnail_cut_off_by_a_crash_is_completed(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.image("samples", 1)
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0000"]
    images = sweep.artifacts(store, run.info.run_id, "images")
    root = Path(run.info.artifact_uri.removeprefix("file://"))
    (root / next(name for name in images if name.endswith(".webp"))).unlink()
    (trial.folder / "tracked.json").unlink()
    sync(sweep.folder, tracking_uri=store)
    assert sweep.artifacts(store, run.info.run_id, "images") == images


def test_an_outcome_that_appears_while_its_spool_is_sent_waits_for_the_rest(
    store: str, sweep: Any, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended before the last report was read, the run would get its final metrics at the time of another report, and then again."""
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    send = TrialMirror._send_metrics

    def slow_send(self: TrialMirror, *words: Any) -> None:
        send(self, *words)
        if not (trial.folder / "outcome.json").exists():
            trial.report(2, loss=2.0)
            trial.end("completed", 2, **{"test/mmd": 0.5, "loss": 2.0})

    monkeypatch.setattr(TrialMirror, "_send_metrics", slow_send)
    for _ in range(2):
        assert sync(sweep.folder, tracking_uri=store).error == ""
    assert sweep.history(store, "rbm-0000", "loss") == expected(range(1, 3), float)
    assert sweep.history(store, "rbm-0000", "test/mmd") == expected(range(2, 3), lambda _: 0.5)
    assert sweep.runs(store)["rbm-0000"].info.status == "FINISHED"


def test_reports_that_come_after_an_end_open_its_run_and_the_same_pass_ends_it_again(
    store: str, sweep: Any, expected: Any
) -> None:
    """As of a group of workers, one of which still wrote when the outcome was there."""
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    trial.end("completed", 2)
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    trial.report(2, loss=2.0)
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    assert sweep.history(store, "rbm-0000", "loss") == expected(range(1, 3), float)
    run = sweep.runs(store)["rbm-0000"]
    assert (run.info.status, run.data.tags["gibbsweep.outcome"]) == ("FINISHED", "completed")


def test_two_migrations_at_once(tmp_path: Path) -> None:
    uri = default_tracking_uri(tmp_path / "runs")
    errors: list[BaseException] = []

    def run() -> None:
        try:
            migrate(uri)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [experiment.name for experiment in connect(uri).search_experiments()] == ["Default"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mlflow.db", "mlflow.db.lock"]


def test_a_migration_that_ends_on_the_way_leaves_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = default_tracking_uri(tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            migrate(uri)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mlflow.db.lock"]
    (tmp_path / "runs" / ".mlflow.db.0.tmp").touch()  # as a kill leaves it
    migrate(uri)
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mlflow.db", "mlflow.db.lock"]
    waits = connect(uri)._tracking_client.store.engine.raw_connection().execute("PRAGMA synchronous").fetchone()
    assert waits == (2,)  # whoever uses it waits for the disk again


def interrupted(file: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("left", ["{", "", "\0" * 300])
def test_tracked_json_that_a_loss_of_power_left_is_sent_again(store: str, sweep: Any, left: str) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    sync(sweep.folder, tracking_uri=store)
    (trial.folder / "tracked.json").write_text(left)
    assert TrialMirror(trial.folder, store).state.run_id == ""
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    assert len(sweep.history(store, "rbm-0000", "loss")) == 1
    assert json.loads((trial.folder / "tracked.json").read_text())["finished"] is False
