"""One pass over a sweep's folder, into SQLite."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.errors import UserError
from gibbsweep.folder import CheckpointCopy, MemoryRetry, Restart, write_copies
from gibbsweep.track import default_tracking_uri, metric_history, sweep_runs, sync
from gibbsweep.track.mirror import sweep as sweep_module
from gibbsweep.track.mirror.sweep import SweepMirror, sweep_lock
from gibbsweep.track.stores.store import connect


def test_everything_arrives_in_its_place(store: str, sweep: Any, expected: Any) -> None:
    rbm, vae = sweep.trial("rbm-0000"), sweep.trial("vae-0001")
    for step in range(1, 6):
        rbm.report(step, **{"train/cd/loss": 1 / step, "val/k=3": float(step)})
    rbm.image("samples", 5)
    rbm.image("chains/long", 5)
    rbm.end("completed", 5, **{"eval/mmd": 0.25, "train/cd/loss": 1 / 5})
    vae.report(1, loss=math.inf)
    vae.end("diverged", 1, message="loss is inf")
    (sweep.folder / "results").mkdir()
    (sweep.folder / "results" / "table.md").write_text("| a |\n")

    report = sync(sweep.folder, tracking_uri=store)
    assert (report.runs, report.pending, report.error) == (2, 0, "")
    assert report.images_sent == 2
    runs = sweep.runs(store)
    assert set(runs) == {"cd_k-1", "rbm-0000", "vae-0001"}

    parent, run = runs["cd_k-1"], runs["rbm-0000"]
    assert parent.data.tags["gibbsweep.study"] == "cd_k"
    assert parent.data.tags["gibbsweep.budget"] == '{"updates": 100}'
    assert parent.data.tags["mlflow.note.content"].startswith("How many Gibbs steps")
    assert parent.info.start_time == 1_700_000_000_000
    counts = {"trials/completed": 1, "trials/pruned": 0, "trials/diverged": 1, "trials/failed": 0}
    assert parent.data.metrics == counts
    assert sweep.artifacts(store, parent.info.run_id) == ["results/table.md", "sweep.json"]

    assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert run.data.tags["gibbsweep.run_key"] == "cd_k-1/rbm-0000"
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["gibbsweep.outcome"] == "completed"
    assert run.data.params["sampler.n_steps"] == "3"
    dataset = run.inputs.dataset_inputs[0]
    assert (dataset.dataset.name, dataset.dataset.digest) == ("digits", "d" * 36)
    assert {tag.key: tag.value for tag in dataset.tags} == {"mlflow.data.context": "training"}
    assert sweep.history(store, "rbm-0000", "train/cd/loss") == expected(range(1, 6), lambda step: 1 / step)
    assert sweep.history(store, "rbm-0000", "val/k_3") == expected(range(1, 6), float)
    assert sweep.history(store, "rbm-0000", "eval/mmd") == expected(range(5, 6), lambda step: 0.25)
    files = sweep.artifacts(store, run.info.run_id)
    assert [name for name in files if not name.startswith("images/")] == [
        "checkpoint/state.json",
        "config.json",
        "log.txt",
        "outcome.json",
    ]
    assert [name.split("+timestamp")[0] for name in files if name.endswith(".png")] == [
        "images/chains~long+step+5",
        "images/samples+step+5",
    ]
    assert run.data.tags["mlflow.loggedImages"] == "True"

    assert (run.info.status, runs["vae-0001"].info.status) == ("FINISHED", "FAILED")
    assert runs["vae-0001"].data.tags["gibbsweep.outcome"] == "diverged"
    assert runs["vae-0001"].data.tags["gibbsweep.message"] == "loss is inf"
    artifact_root = Path(run.info.artifact_uri.removeprefix("file://"))
    assert artifact_root.parents[1] == sweep.folder.parent / "mlartifacts"


def test_restarts_and_retries_are_tags_of_their_run(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, **{"train/restarts": 2.0})
    trial.end("completed", 1)
    outcome = json.loads((trial.folder / "outcome.json").read_text())
    messages = {7: "loss is nan", 9: "gap is 200"}
    restarts = [Restart(step, "cd", message, resumed_at=5) for step, message in messages.items()]
    retry = MemoryRetry("rbm", "gpu", step=5, before=2, after=1, cpus=1, gpus=1.0, message="CUDA out of memory")
    outcome |= {"restarts": [asdict(restart) for restart in restarts], "repackings": [asdict(retry)]}
    (trial.folder / "outcome.json").write_text(json.dumps(outcome))
    assert sync(sweep.folder, tracking_uri=store).error == ""
    run = sweep.runs(store)["rbm-0000"]
    assert run.data.tags["gibbsweep.restarts"] == "2"
    assert run.data.tags["gibbsweep.ran_out_of_memory"] == "1"
    assert run.data.tags["gibbsweep.restarted_after"] == "loss is nan\ngap is 200"
    assert run.data.metrics["train/restarts"] == 2.0


def test_a_member_that_was_lost_and_replaced_ends_as_it_ends(store: str, sweep: Any) -> None:
    """Sent while it was lost, and again once it has gone on from another one's checkpoint."""
    trial = sweep.trial("rbm-0003")
    trial.report(3, loss=9.0)
    trial.end("diverged", 4, message="diverged at update 4")
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0003"]
    assert (run.info.status, run.data.tags["gibbsweep.outcome"]) == ("FAILED", "diverged")
    (trial.folder / "outcome.json").unlink()
    changed = {"learning_rate": (0.01, 0.012)}
    write_copies(trial.folder, [CheckpointCopy(5, "rbm-0007", {"learning_rate": 0.012}, changed, done=True)])
    trial.report(10, loss=1.0)
    sync(sweep.folder, tracking_uri=store)
    assert sweep.runs(store)["rbm-0003"].data.tags["gibbsweep.outcome"] == ""
    trial.end("completed", 10, loss=1.0)
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0003"]
    assert (run.info.status, run.data.tags["gibbsweep.outcome"]) == ("FINISHED", "completed")
    assert run.data.tags["gibbsweep.copied_from"] == "rbm-0007 after 5 updates: learning_rate 0.01 -> 0.012"
    assert run.data.tags["gibbsweep.message"] == ""


def test_syncing_again_sends_nothing(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=0.5)
    trial.image("samples", 1)
    trial.end("completed", 1)
    sync(sweep.folder, tracking_uri=store)
    again = sync(sweep.folder, tracking_uri=store)
    assert (again.metrics_sent, again.images_sent, again.artifacts_sent, again.pending) == (0, 0, 0, 0)


def test_sounds_are_files_of_the_run_once(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=0.5)
    first = trial.sound("test/samples", 1)
    assert sync(sweep.folder, tracking_uri=store).pending == 0
    trial.sound("validation/samples", 2)
    trial.end("completed", 2)
    (trial.folder / "tracked.json").unlink()  # everything is sent again
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.pending, report.error) == (0, "")
    run = sweep.runs(store)["rbm-0000"]
    files = [path for path in sweep.artifacts(store, run.info.run_id) if path.startswith("sounds/")]
    assert files == ["sounds/test/samples/00000001.wav", "sounds/validation/samples/00000002.wav"]
    artifact_root = Path(run.info.artifact_uri.removeprefix("file://"))
    assert (artifact_root / files[0]).read_bytes() == first
    again = sync(sweep.folder, tracking_uri=store)
    assert (again.artifacts_sent, again.pending) == (0, 0)


def test_replay_after_losing_every_tracked_json_adds_nothing(store: str, sweep: Any, expected: Any) -> None:
    trial = sweep.trial("rbm-0000")
    for step in range(1, 4):
        trial.report(step, loss=float(step), noise=math.nan, energy=-math.inf)
    trial.image("samples", 3)
    trial.end("completed", 3, loss=3.0)
    sync(sweep.folder, tracking_uri=store)
    before = sweep.runs(store)
    files = sweep.artifacts(store, before["rbm-0000"].info.run_id)
    for path in sweep.folder.rglob("tracked.json"):
        path.unlink()
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.pending, report.error) == (0, "")
    after = sweep.runs(store)
    assert {name: run.info.run_id for name, run in before.items()} == {
        name: run.info.run_id for name, run in after.items()
    }
    assert sweep.history(store, "rbm-0000", "loss") == expected(range(1, 4), float)
    assert len(sweep.history(store, "rbm-0000", "noise")) == 3
    assert len(sweep.history(store, "rbm-0000", "energy")) == 3
    assert len(sweep.history(store, "cd_k-1", "trials/completed")) == 1
    assert sweep.artifacts(store, before["rbm-0000"].info.run_id) == files
    assert len(after["rbm-0000"].inputs.dataset_inputs) == 1
    assert after["rbm-0000"].info.status == "FINISHED"


def test_non_finite_values_survive(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, noise=math.nan, up=math.inf, down=-math.inf)
    trial.report(2, noise=1.0, up=math.inf, down=0.0)
    trial.end("diverged", 2)
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0000"]
    assert run.data.tags["gibbsweep.infinite_metrics"] == "up=+inf@1, down=-inf@1"
    history = {key: list(metric_history(store, run.info.run_id, key)["value"]) for key in ("noise", "up", "down")}
    assert math.isnan(history["noise"][0])
    assert history["up"] == [math.inf, math.inf]
    assert history["down"] == [-math.inf, 0.0]
    table = sweep_runs(store, "cd_k-1")
    assert table.loc[0, "metrics.up"] == math.inf


def test_torn_line_waits_and_corrupt_line_is_an_error_for_its_trial_only(store: str, sweep: Any, expected: Any) -> None:
    torn, corrupt, good = sweep.trial("a-torn"), sweep.trial("b-corrupt"), sweep.trial("c-good")
    for trial in (torn, corrupt, good):
        trial.report(1, loss=1.0)
    torn.write('{"step": 2, "time": 17000')
    corrupt.write('{"step": 2, "ti\n')
    corrupt.report(3, loss=3.0)
    report = sync(sweep.folder, tracking_uri=store)
    assert "b-corrupt/metrics.jsonl, line 2 " in report.error
    assert report.pending == 2 + 0  # the corrupt line and the one behind it; nothing waits for an unfinished line
    for name in ("a-torn", "b-corrupt", "c-good"):
        assert sweep.history(store, name, "loss") == expected(range(1, 2), float)

    torn.write('00002.0, "metrics": {"loss": 2.0}}\n')
    text = (corrupt.folder / "metrics.jsonl").read_text()
    (corrupt.folder / "metrics.jsonl").write_text(text.replace('{"step": 2, "ti\n', ""))
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.error, report.pending) == ("", 0)
    assert sweep.history(store, "a-torn", "loss") == expected(range(1, 3), float)
    assert [step for step, _, _ in sweep.history(store, "b-corrupt", "loss")] == [1, 3]


def test_a_trial_that_mlflow_refuses_keeps_no_other_out(store: str, sweep: Any, expected: Any) -> None:
    refused = sweep.trial("a-refused")
    refused.write('{"step": 1, "time": -9.0, "metrics": {"loss": 1.0}}\n')
    refused.end("completed", 1)
    for name in ("b-good", "c-good"):
        trial = sweep.trial(name)
        trial.report(1, loss=1.0)
        trial.end("completed", 1)
    report = sync(sweep.folder, tracking_uri=store)
    assert report.error.startswith("a-refused: ") and "nonnegative" in report.error
    assert (report.runs, report.pending) == (3, 2)  # its report and its outcome
    states = {name: run.info.status for name, run in sweep.runs(store).items()}
    assert states == {"cd_k-1": "KILLED", "a-refused": "RUNNING", "b-good": "FINISHED", "c-good": "FINISHED"}
    for name in ("b-good", "c-good"):
        assert sweep.history(store, name, "loss") == expected(range(1, 2), float)


def test_trials_that_have_ended_are_looked_at_in_turn_and_at_the_end_all(
    store: str, sweep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_module, "SETTLED", 2)
    ended = [f"rbm-{i:04d}" for i in range(5)]
    for name in ended:
        sweep.trial(name).end("completed", 0)
    mirror = SweepMirror(sweep.folder, tracking_uri=store)
    assert mirror.send() == ""
    going = sweep.trial("vae-0000")
    for _ in range(3):
        names = []
        for _ in range(3):  # five have ended, two a pass
            going.report(1, loss=1.0)
            looked_at = [trial.folder.name for trial in mirror._due("")]
            assert looked_at[0] == "vae-0000" and len(looked_at) <= 3
            names += looked_at[1:]
        assert sorted(names) == ended
    assert len(mirror._due("FINISHED")) == 6
    (sweep.folder / "trials" / "rbm-0002" / "outcome.json").unlink()
    for _ in range(3):
        assert mirror.send() == ""
    assert sweep.runs(store)["rbm-0002"].info.status == "RUNNING"


def test_interrupted_runs_are_closed_and_reopened(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    sync(sweep.folder, tracking_uri=store)
    assert {run.info.status for run in sweep.runs(store).values()} == {"KILLED"}
    assert sweep.runs(store)["rbm-0000"].info.end_time == 1_700_000_001_000
    trial.report(2, loss=2.0)
    trial.end("pruned", 2)
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0000"]
    assert (run.info.status, run.data.tags["gibbsweep.outcome"]) == ("FINISHED", "pruned")

    (trial.folder / "outcome.json").unlink()
    trial.report(3, loss=3.0)
    sync(sweep.folder, tracking_uri=store)
    assert sweep.runs(store)["rbm-0000"].info.status == "KILLED"
    assert sweep.runs(store)["rbm-0000"].data.tags["gibbsweep.outcome"] == ""
    trial.end("completed", 3)
    sync(sweep.folder, tracking_uri=store)
    assert sweep.runs(store)["rbm-0000"].info.status == "FINISHED"
    assert len(sweep.history(store, "rbm-0000", "loss")) == 3


def test_many_parameters_and_more_metrics_than_fit_one_request(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000", **{f"p{i}": i for i in range(250)})
    trial.report(1, **{f"m{i}": float(i) for i in range(1500)})
    trial.end("completed", 1)
    sync(sweep.folder, tracking_uri=store)
    run = sweep.runs(store)["rbm-0000"]
    assert {f"p{i}": str(i) for i in range(250)}.items() <= run.data.params.items()
    assert run.data.metrics == {f"m{i}": float(i) for i in range(1500)}


def test_a_run_that_the_user_deleted_stays_deleted(store: str, sweep: Any) -> None:
    trial = sweep.trial("rbm-0000")
    sweep.trial("rbm-0001").report(1, loss=1.0)
    trial.report(1, loss=1.0)
    sync(sweep.folder, tracking_uri=store)
    connect(store).delete_run(sweep.runs(store)["rbm-0000"].info.run_id)
    trial.report(2, loss=2.0)
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.error, report.pending) == ("", 0)
    assert set(sweep.runs(store)) == {"cd_k-1", "rbm-0001"}


def test_another_store_gets_everything_and_going_back_adds_nothing(
    store: str, sweep: Any, tmp_path: Path, empty_store: Path
) -> None:
    trial = sweep.trial("rbm-0000")
    trial.report(1, loss=1.0)
    trial.end("completed", 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mlflow.db").write_bytes(empty_store.read_bytes())
    for uri in (store, default_tracking_uri(tmp_path / "other"), store):
        assert sync(sweep.folder, tracking_uri=uri).pending == 0
        assert len(sweep.history(uri, "rbm-0000", "loss")) == 1


def test_sweep_runs_table(store: str, sweep: Any) -> None:
    for i, outcome in enumerate(["completed", "failed"]):
        trial = sweep.trial(f"rbm-{i:04d}", learning_rate=10.0**-i, sampler={"tied": True, "name": "gibbs"})
        trial.report(1, loss=float(i))
        trial.end(outcome, 1)
    sync(sweep.folder, tracking_uri=store)
    table = sweep_runs(store, "cd_k-1")
    assert list(table["trial"]) == ["rbm-0000", "rbm-0001"]
    assert list(table["outcome"]) == ["completed", "failed"]
    assert list(table["params.learning_rate"]) == [1.0, 0.1]
    assert list(table["params.sampler.tied"]) == [True, True]
    assert list(table["params.sampler.name"]) == ["gibbs", "gibbs"]
    assert list(table["metrics.loss"]) == [0.0, 1.0]
    with pytest.raises(UserError, match="no sweep named 'nope'"):
        sweep_runs(store, "nope")


def test_user_errors(store: str, sweep: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # How long the process that tracks it may take to end.
    monkeypatch.setattr(
        "gibbsweep.track.mirror.sweep._ORPHAN_S", 0.2
    )  # how long the process that tracks it may take to end
    with pytest.raises(UserError, match=r"has no sweep\.json"):
        sync(tmp_path / "nowhere", tracking_uri=store)
    with sweep_lock(sweep.folder), pytest.raises(UserError, match="tracked by another process"):
        sync(sweep.folder, tracking_uri=store)
    with pytest.raises(UserError, match="no tracking store"):
        sweep_runs(default_tracking_uri(tmp_path / "nowhere"), "cd_k-1")
    sweep.trial("rbm-0000").end("exploded", 1)
    assert "outcome is 'exploded'" in sync(sweep.folder, tracking_uri=store).error


def test_importing_is_cheap() -> None:
    code = "import gibbsweep.track, sys; assert not {'mlflow', 'pandas', 'ray', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
