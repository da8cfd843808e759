"""What a store has of a sweep goes with it, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.track.servers import Server, Wire
from tests.track.sweeps import Sweep

from gibbsweep.cli import main
from gibbsweep.errors import UserError
from gibbsweep.track import sync
from gibbsweep.track.remove import remove_tracked, tracked_runs
from gibbsweep.track.stores.store import connect


def filled(sweep: Sweep, store: str) -> None:
    for name in ("rbm-0000", "rbm-0001"):
        trial = sweep.trial(name)
        trial.report(1, loss=1.0)
        trial.image("samples", 1)
        trial.end("completed", 1)
    assert not sync(sweep.folder, tracking_uri=store).error


def all_runs(store: str) -> set[str]:
    """The names of all runs of a store, deleted ones too."""
    from mlflow.entities import ViewType

    client = connect(store)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {str(run.info.run_name) for run in client.search_runs(experiments, run_view_type=ViewType.ALL)}


def record(sweep: Sweep) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((sweep.folder / "sweep.json").read_text())
    return content


def test_a_sweep_goes_from_the_disk_and_the_store(
    store: str, sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(sweep, store)
    other = Sweep(tmp_path / "runs" / "other")
    filled(other, store)
    artifacts = tmp_path / "runs" / "mlartifacts"
    assert len(list(artifacts.iterdir())) == 6
    main(["rm", "cd_k-1", "--yes", "--runs", str(tmp_path / "runs")])
    assert "and 3 runs in sqlite:" in capsys.readouterr().out
    assert not sweep.folder.exists() and other.folder.exists()
    assert all_runs(store) == {"other", "rbm-0000", "rbm-0001"}
    assert len(list(artifacts.iterdir())) == 3
    assert set(other.runs(store)) == {"other", "rbm-0000", "rbm-0001"}


def test_another_sweep_of_the_same_name_keeps_its_runs(store: str, sweep: Sweep, tmp_path: Path) -> None:
    filled(sweep, store)
    again = Sweep(tmp_path / "elsewhere" / "cd_k-1")
    (again.folder / "sweep.json").write_text(json.dumps({**record(again), "created": 1_800_000_000.0}))
    filled(again, store)
    assert len(tracked_runs(again.folder).runs) == 3
    remove_tracked(tracked_runs(again.folder))
    assert len(tracked_runs(sweep.folder).runs) == 3
    assert len(tracked_runs(again.folder).runs) == 0


def test_a_removal_that_was_cut_short_is_taken_up_again(store: str, sweep: Sweep) -> None:
    filled(sweep, store)
    first = tracked_runs(sweep.folder).runs[0]
    connect(store).delete_run(first.info.run_id)
    tracked = tracked_runs(sweep.folder)
    assert len(tracked.runs) == 3 and tracked.runs[-1].info.run_name == "cd_k-1", "the parent, by which they are found"
    remove_tracked(tracked)
    assert all_runs(store) == set()


def test_a_single_run_goes_alone(store: str, sweep: Sweep, tmp_path: Path) -> None:
    filled(sweep, store)
    main(["rm", "cd_k-1:rbm-0001", "--yes", "--runs", str(tmp_path / "runs")])
    assert [path.name for path in (sweep.folder / "trials").iterdir()] == ["rbm-0000"]
    assert all_runs(store) == {"cd_k-1", "rbm-0000"}


def test_a_sweep_that_was_never_tracked_has_nothing_to_remove(sweep: Sweep) -> None:
    sweep.trial("rbm-0000")
    assert tracked_runs(sweep.folder).uri == ""


def test_a_password_is_asked_for_where_no_record_has_it(sweep: Sweep) -> None:
    (sweep.folder / "tracked.json").write_text(json.dumps({"store": "http://me:***@127.0.0.1:1", "run_id": "r"}))
    with pytest.raises(UserError, match="whose password is on no record: name the whole URI in"):
        tracked_runs(sweep.folder)
    with pytest.raises(UserError, match="does not answer") as error:
        tracked_runs(sweep.folder, given=["http://me:secret@127.0.0.1:1"])
    assert "secret" not in str(error.value)


def test_a_dead_store_removes_nothing(sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep.trial("rbm-0000")
    (sweep.folder / "tracked.json").write_text(json.dumps({"store": "http://127.0.0.1:1", "run_id": "r"}))
    with pytest.raises(SystemExit):
        main(["rm", str(sweep.folder), "--yes"])
    error = capsys.readouterr().err
    assert "http://127.0.0.1:1 does not answer" in error and "the folder was not removed" in error
    assert "--keep-tracked removes the folder alone" in error
    assert (sweep.folder / "trials" / "rbm-0000" / "config.json").exists()
    main(["rm", str(sweep.folder), "--yes", "--keep-tracked"])
    assert not sweep.folder.exists()


@pytest.mark.cluster
def test_a_server_loses_artifacts_and_shows_no_run(server: Server, wire: Wire, new_sweep: Sweep) -> None:
    server.start()
    filled(new_sweep, wire.uri)
    tracked = tracked_runs(new_sweep.folder)
    assert len(tracked.runs) == 3 and not tracked.purged
    before = wire.requests
    wire.lose = lambda number: number == before + 4
    with pytest.raises(UserError, match="the folder was not removed"):
        remove_tracked(tracked)
    wire.lose = lambda number: False
    remove_tracked(tracked_runs(new_sweep.folder))
    assert new_sweep.runs(wire.uri) == {}
    for run in tracked.runs:
        assert connect(wire.uri).list_artifacts(run.info.run_id) == []
