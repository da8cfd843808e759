"""What the run of a sweep in MLflow says: words to filter by, parameters, the table as numbers and text; and how many
points of a metric a long run gets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import PIL.Image
import pytest
from tests.track.sweeps import Sweep

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.track import sync
from gibbsweep.track.mirror.describe import MAX_TAG
from gibbsweep.track.mirror.table import description, table_metrics
from gibbsweep.track.mirror.thinning import MOST_POINTS, Thinning
from gibbsweep.track.stores.store import connect


def row(k: int, mean: float) -> Row:
    return Row("rbm", "energy", {}, {"test/log_likelihood": Statistic(mean, 1.0, 3)}, [1, 2, 3], 100, 2.5, {}, {"k": k})


RESULTS = Results(
    study="cd_k", question="Does it work?", data="digits", budget="smoke", device="CPU", commit="c0ffee",
    columns={"test/log_likelihood": "log p"}, rows=[row(1, -120.0), row(10, -110.0)], findings=["Longer is better."],
)  # fmt: skip


def test_the_sweeps_own_run_shows_its_numbers_and_its_table(store: str, sweep: Sweep) -> None:
    record = json.loads((sweep.folder / "sweep.json").read_text())
    record |= {"budget": "smoke", "options": {"trials": 8, "contenders": ["rbm", "vae"], "rungs": None}}
    (sweep.folder / "sweep.json").write_text(json.dumps(record))
    sweep.trial("rbm-0000").end("completed", 1)
    RESULTS.write(sweep.folder / "results")
    PIL.Image.new("L", (8, 8)).save(sweep.folder / "results" / "cd_k_samples.png")
    (sweep.folder / "results" / "report.html").write_text("<!doctype html>")
    assert sync(sweep.folder, tracking_uri=store).error == ""
    run = sweep.runs(store)["cd_k-1"]
    assert run.data.metrics["rbm k:10/test/log_likelihood"] == -110.0
    assert run.data.metrics["rbm k:1/device_seconds"] == 2.5
    assert run.data.params == {"trials": "8", "contenders": "rbm vae"}
    note = run.data.tags["mlflow.note.content"]
    assert note.startswith("Does it work?") and "| rbm k=10 | -110.00 ± 1.00 |" in note
    assert "- Longer is better." in note and "results/report.html" in note
    picture = parse_qs(urlsplit(note.partition("](")[2].partition(")")[0]).query)
    assert picture == {"path": ["results/cd_k_samples.png"], "run_uuid": [run.info.run_id]}
    assert "results/cd_k_samples.png" in sweep.artifacts(store, run.info.run_id)
    again = sync(sweep.folder, tracking_uri=store)
    assert (again.metrics_sent, again.artifacts_sent, again.pending) == (0, 0, 0)


def test_runs_of_all_sweeps_are_filtered_by_words(store: str, sweep: Sweep) -> None:
    record = json.loads((sweep.folder / "sweep.json").read_text())
    (sweep.folder / "sweep.json").write_text(json.dumps({**record, "budget": "smoke"}))
    sweep.trial("rbm-0000").end("completed", 1)
    sync(sweep.folder, tracking_uri=store)
    client = connect(store)
    (experiment,) = client.search_experiments(filter_string="name = 'cd_k'")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    words = "tags.study = 'cd_k' and tags.data = 'digits' and tags.budget = 'smoke'"
    found = client.search_runs([experiment.experiment_id], words)
    assert sorted(run.info.run_name for run in found) == ["cd_k-1", "rbm-0000"]


def test_results_that_cannot_be_read_are_sent_as_a_file(store: str, sweep: Sweep) -> None:
    sweep.trial("rbm-0000").end("completed", 1)
    (sweep.folder / "results").mkdir()
    (sweep.folder / "results" / "cd_k.json").write_text('{"half": ')
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.error, report.pending) == ("", 0)
    assert "results/cd_k.json" in sweep.artifacts(store, sweep.runs(store)["cd_k-1"].info.run_id)


def test_a_long_run_gets_at_most_so_many_points_and_its_last(store: str, sweep: Sweep) -> None:
    trial = sweep.trial("rbm-0000")
    config = json.loads((trial.folder / "config.json").read_text())
    budget = {"updates": 50_000, "report_every": 10, "also_at": [3]}
    (trial.folder / "config.json").write_text(json.dumps({**config, "budget": budget}))
    lines = [
        {"step": step, "time": 1.7e9 + step, "metrics": {"loss": float(step)}} for step in (3, *range(10, 50_001, 10))
    ]
    trial.write("".join(json.dumps(line) + "\n" for line in lines))
    trial.end("completed", 50_000, loss=50_000.0)
    report = sync(sweep.folder, tracking_uri=store)
    assert (report.error, report.pending) == ("", 0)
    points = sweep.history(store, "rbm-0000", "loss")
    assert 0.6 * MOST_POINTS < len(points) <= MOST_POINTS
    assert points[0][0] == 3 and points[-1][0] == 50_000
    assert {step for step, _, _ in points} <= {line["step"] for line in lines}


@pytest.mark.parametrize(("updates", "every", "stride"), [(2_000, 1, 1), (2_001, 1, 2), (150_000, 10, 8), (5, 10, 1)])
def test_one_report_in_so_many_is_kept(updates: int, every: int, stride: int) -> None:
    thinning = Thinning.of({"budget": {"updates": updates, "report_every": every}})
    assert thinning.stride == stride
    kept = [step for step in range(every, updates + 1, every) if thinning.keeps(step)]
    assert len(kept) <= MOST_POINTS + 1
    assert not kept or kept[0] == every


def test_without_a_budget_all_reports_are_kept() -> None:
    for config in (
        {},
        {"budget": "laptop"},
        {"budget": {"updates": 10}},
        {"budget": {"updates": 10, "report_every": 0}},
    ):
        assert Thinning.of(config) == Thinning()


def test_a_description_is_cut_between_its_parts_and_names_stay_valid() -> None:
    many = replace(RESULTS, findings=["x" * 3_000] * 4)
    text = description(many, "id", [])
    assert len(text) <= MAX_TAG and "| rbm k=1 |" in text
    assert text.count("x" * 3_000) == 2
    strange = replace(RESULTS, rows=[replace(row(1, float("nan")), front="for FD, low")])
    assert table_metrics(strange) == {
        "rbm k:1 for FD_ low/device_seconds": 2.5,
        "rbm k:1 for FD_ low/diverged_share": 0.0,
    }


def test_a_file_that_is_gone_is_no_table(tmp_path: Path) -> None:
    from gibbsweep.track.mirror.table import read_table, table_file

    assert table_file(tmp_path) is None
    assert read_table(tmp_path / "none.json") is None
