"""A population on a real local Ray, undisturbed and stopped between a copy and the generation that follows it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from rich.console import Console
from tests.tiny import RBM, study

from gibbsweep.folder import CheckpointCopy, Outcome, read_copies, read_spool
from gibbsweep.study import Choice, Contender, Float, Results
from gibbsweep.track import sweep_runs
from gibbsweep.train.checkpoint import read_checkpoint
from gibbsweep.train.copy_checkpoint import copy_checkpoint
from gibbsweep.tune.folder import driver
from gibbsweep.tune.folder.driver import request_stop
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.population import checkpoint_copies
from gibbsweep.tune.sweep import Interrupted, run_sweep

pytestmark = pytest.mark.usefixtures("ray_session")

SPACE = {"learning_rate": Float(0.001, 0.5, log=True), "centred": Choice(True, False)}
THE_STUDY = study(contenders={"rbm": Contender(RBM, "energy", SPACE)})
POPULATION = {
    "name": "s", "budget": "smoke", "trials": 4, "seeds": 1,
    "scheduler": "population", "generations": 3, "precision": "fp32",
}  # fmt: skip


def sweep(runs: Path, **options: object) -> tuple[Results, str]:
    text = io.StringIO()
    console = Console(file=text, width=120)
    results = run_sweep(THE_STUDY, SweepOptions(runs=runs, **options), console=console, command="python x.py")  # type: ignore[arg-type]
    return results, text.getvalue()


def weights(runs: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {run_dir.name: read_checkpoint(run_dir / "checkpoint")[1] for run_dir in (runs / "s" / "trials").iterdir()}


def test_members_take_over_and_the_best_schedule_is_retrained_also_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, text = sweep(tmp_path / "whole", **POPULATION)
    folder = tmp_path / "whole" / "s"
    taken = {d.name: read_copies(d) for d in sorted((folder / "trials").iterdir()) if read_copies(d)}
    assert [t.step for ts in taken.values() for t in ts].count(3) == 1, "a quarter of four is one"
    for run, own in taken.items():
        for one in own:
            assert one.done and f"{run} {one}" in text.splitlines()
    (row,) = whole.rows
    assert row.outcomes == {"completed": 5, "pruned": 0, "diverged": 0, "failed": 0}
    assert row.metrics["test/log_likelihood"].n == 1
    assert row.schedule[-1]["trial"] and set(row.schedule[0]["values"]) == {"learning_rate"}
    assert (folder / "results" / "tiny_population_rbm.png").stat().st_size > 5000
    assert Results.from_json((folder / "results" / "tiny.json").read_text()) == whole
    (the_search,) = open_storage(SweepDir(folder)).get_all_studies()
    trials = open_storage(SweepDir(folder)).get_all_trials(the_search._study_id)
    assert [t.state.name for t in trials] == ["COMPLETE"] * 4
    for trial in trials:
        spool = folder / "trials" / f"rbm-{trial.number:04d}" / "metrics.jsonl"
        reports = {record.step: record.metrics for record in read_spool(spool)}
        assert sorted(reports) == [3, 5, 7, 10]
        last = max((int(k.removeprefix("values@")) for k in trial.user_attrs if k.startswith("values@")), default=0)
        values = trial.user_attrs[f"values@{last}" if last else "values"]
        assert reports[10]["schedule/learning_rate"] == values["learning_rate"]
    retrained = json.loads((folder / "trials" / "rbm-seed1" / "config.json").read_text())
    assert retrained["replays"] == f"rbm-{trials.index(max(trials, key=lambda t: t.value or -1e9)):04d}"
    uri = f"sqlite:///{(tmp_path / 'whole').absolute()}/mlflow.db"
    runs = sweep_runs(uri, "s").set_index("trial")
    for run in runs.index:
        tags = MlflowClient(uri).get_run(runs["run_id"][run]).data.tags
        copied = tags.get("gibbsweep.copied_from", "").splitlines()
        assert [line.split(": ")[0] for line in copied] == [
            f"{t.donor} after {t.step} updates" for t in taken.get(run, ())
        ]
        assert ("gibbsweep.replays" in tags) == (run == "rbm-seed1")

    def copy_and_stop(run_dir: Path, donor_dir: Path, takeover: CheckpointCopy, batch_size: int) -> CheckpointCopy:
        request_stop(SweepDir(tmp_path / "parts" / "s"))
        return copy_checkpoint(run_dir, donor_dir, takeover, batch_size)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_copies, "copy_checkpoint", copy_and_stop)
        patch.setattr(driver, "LOOK_EVERY", 0.0)  # a generation of this sweep is over in less than its second
        with pytest.raises(Interrupted, match="interrupted after 0 of 5 runs"):
            sweep(tmp_path / "parts", **POPULATION)
    assert Outcome.read(tmp_path / "parts" / "s" / "trials" / "rbm-0000") is None
    parts, _ = sweep(tmp_path / "parts", resume="s")
    assert [r.schedule for r in parts.rows] == [r.schedule for r in whole.rows]
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert one.keys() == other.keys() and len(one) == 5
    for run, tensors in one.items():
        assert all(torch.equal(tensor, other[run][name]) for name, tensor in tensors.items()), run
