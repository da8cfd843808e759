"""A tracker that dies between any two steps sends everything exactly once."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

from gibbsweep.track import default_tracking_uri, migrate, sync
from gibbsweep.track.mirror.tracked import TrackedTrial
from gibbsweep.track.mirror.trial import TrialMirror
from gibbsweep.track.stores.store import connect


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


WRITES = (
    "create_experiment", "create_run", "update_run", "log_inputs", "log_batch", "log_artifact", "log_artifacts",
    "set_terminated", "set_tag", "log_image",
)  # fmt: skip


def fill(sweep: Any) -> None:
    """Ended trials of every outcome, each with something that a store has a rule for."""
    plain = sweep.trial("rbm-0000")
    plain.report(1, loss=0.5, **{"val/k=3": 2.0})
    plain.image("samples", 1)
    plain.sound("samples", 1)
    plain.end("completed", 1, loss=0.5, **{"test/mmd": 0.25})
    odd = sweep.trial("rbm-0001", **{f"p{i}": "x" * 7000 if i == 3 else i for i in range(150)}, word="é")
    odd.report(2, noise=math.nan, up=math.inf, down=-math.inf, zero=0.0)
    odd.report(2, noise=0.0, up=1.0, down=-math.inf, zero=-0.0)  # another point of the same names, step and time
    odd.report(2, noise=math.nan, up=math.inf, down=7.0, zero=0.0)  # and the first ones again
    odd.report(1, noise=3.0, up=2.0, down=1.0, zero=1.0)  # an earlier step comes later
    odd.end("diverged", 3, message="loss is inf " * 1000, loss=math.nan, up=5.0)
    many = sweep.trial("rbm-0002")
    many.report(1, **{f"m{i}": float(i) for i in range(1100)})
    many.end("pruned", 1)
    bare = sweep.trial("vae-0000")
    (bare.folder / "config.json").write_text('{"contender": "vae", "params": {}}')
    bare.end("failed", 0, message="ValueError")
    (bare.folder / "log.txt").unlink()


def content_of(tracking_uri: str, sweep: Any) -> dict[str, Any]:
    """Everything that a store says about the sweep's runs, but for random ids and the time when the sweep itself
    ended."""
    client, content = connect(tracking_uri), {}
    for name, run in sweep.runs(tracking_uri).items():
        tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.parentRunId"}
        histories = {
            key: sorted((p.step, p.timestamp, repr(p.value)) for p in client.get_metric_history(run.info.run_id, key))
            for key in sorted(run.data.metrics)[:8]
        }
        inputs = [(i.dataset.name, i.dataset.digest, [tag.value for tag in i.tags]) for i in run.inputs.dataset_inputs]
        times = (run.info.start_time, None if name == sweep.folder.name else run.info.end_time)
        latest = {key: repr(value) for key, value in run.data.metrics.items()}
        # A picture's name is random behind its time stamp, and picture and thumbnail differ in their ends alone.
        files = [
            (path.partition("+timestamp+")[0], Path(path).suffix)
            for path in sweep.artifacts(tracking_uri, run.info.run_id)
        ]
        content[name] = (run.info.status, times, tags, run.data.params, latest, histories, inputs, files)
    return content


def test_a_crash_after_each_request_leaves_what_an_undisturbed_pass_leaves(
    store: str, sweep: Any, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first pass dies after its first request was carried out, the second one after its second, ..."""
    fill(sweep)
    fresh = store.replace("mlflow.db", "fresh.db")
    (sweep.folder.parent / "fresh.db").write_bytes(empty_store.read_bytes())
    attempts = requests = 0

    def dying(write: Any) -> Any:
        @functools.wraps(write)
        def send(*words: Any, **named: Any) -> Any:
            nonlocal requests
            answer = write(*words, **named)
            requests += 1
            if requests == attempts:
                raise KeyboardInterrupt
            return answer

        return send

    with monkeypatch.context() as patch:
        for name in WRITES:
            patch.setattr(MlflowClient, name, dying(getattr(MlflowClient, name)))
        while requests == attempts:
            attempts, requests = attempts + 1, 0
            with contextlib.suppress(KeyboardInterrupt):
                report = sync(sweep.folder, tracking_uri=store)
    assert attempts > 8
    assert (report.runs, report.pending, report.error) == (4, 0, "")
    report = sync(sweep.folder, tracking_uri=fresh)
    assert (report.runs, report.pending, report.error) == (4, 0, "")
    assert content_of(store, sweep) == content_of(fresh, sweep)


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
    """Ended before the last report was read, the run would get its final metrics at the time of another report, and
    then again."""
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
    engine = SqlAlchemyStore(uri, (tmp_path / "mlartifacts").as_uri()).engine
    waits = engine.raw_connection().execute("PRAGMA synchronous").fetchone()
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
