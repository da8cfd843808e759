"""Whole sweeps on a real local Ray."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import STUDY, BreakingConfig, study
from tests.tune.whole.sweeping import sweep

from gibbsweep.evaluate import EnergyGap, LogLikelihood
from gibbsweep.folder import Outcome, read_spool
from gibbsweep.study import Contender, Float, Goal, Results
from gibbsweep.track import sweep_runs
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.schedulers.base import Verdict
from gibbsweep.tune.search.search import Search

pytestmark = pytest.mark.usefixtures("ray_session")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, ray_session: None) -> tuple[Path, Results, str]:
    runs = tmp_path_factory.mktemp("runs")
    results, text = sweep(runs)
    return runs, results, text


def test_the_table_has_a_row_for_each_option(done: tuple[Path, Results, str]) -> None:
    runs, results, _ = done
    assert [row.label for row in results.rows] == ["rbm k=1", "rbm k=2"]
    for row in results.rows:
        assert row.outcomes == {"completed": 4, "pruned": 0, "diverged": 0, "failed": 0}
        assert row.metrics["test/log_likelihood"].n == 2
        assert row.metrics["test/log_likelihood"].mean < 0
        assert row.device_seconds > 0
        assert row.updates == 10
    assert Results.from_json((runs / "s" / "results" / "tiny.json").read_text()) == results


def test_output_is_quiet(done: tuple[Path, Results, str]) -> None:
    _, _, text = done
    lines = text.strip().splitlines()
    assert lines[0] == "tiny  Does it work?"
    assert len([line for line in lines if " completed " in line]) == 8
    assert (
        "trials  ·  2 for each of 2 rows, scheduler none, of which the last 1 borrows from the best other row" in lines
    )
    assert len(lines) == 3 + 8, text


def test_only_retrainings_saw_the_test_split(done: tuple[Path, Results, str]) -> None:
    runs, _, _ = done
    for run_dir in (runs / "s" / "trials").iterdir():
        outcome = Outcome.read(run_dir)
        assert outcome is not None
        assert any(name.startswith("test/") for name in outcome.metrics) == ("seed" in run_dir.name)
        assert [record.step for record in read_spool(run_dir / "metrics.jsonl")] == [5, 10]
        assert (run_dir / "log.txt").exists()


def test_mlflow_has_the_parent_its_children_and_their_grids(done: tuple[Path, Results, str]) -> None:
    runs, _, _ = done
    children = sweep_runs(f"sqlite:///{runs.absolute()}/mlflow.db", "s")
    assert len(children) == 8
    assert set(children["tags.gibbsweep.outcome"] if "tags.gibbsweep.outcome" in children else children["outcome"]) == {
        "completed"
    }
    grids = list((runs / "mlartifacts").rglob("*chains*.png"))
    assert len(grids) == 4, "one grid of chains for each retraining"


def test_a_finished_sweep_resumes_to_the_same_table_at_once(done: tuple[Path, Results, str]) -> None:
    runs, results, _ = done
    spools = {p: p.read_bytes() for p in runs.rglob("metrics.jsonl")}
    again, _ = sweep(runs, name=None, budget=None, resume="s")
    assert again.rows == results.rows
    assert {p: p.read_bytes() for p in runs.rglob("metrics.jsonl")} == spools


def test_divergence_and_failure_are_told_apart(tmp_path: Path) -> None:
    results, _ = sweep(tmp_path, contenders=("rbm", "breaking", "raising"), trials=2, seeds=1)
    rows = {row.contender: row for row in results.rows}
    assert rows["breaking"].outcomes == {"completed": 0, "pruned": 0, "diverged": 2, "failed": 0}
    assert rows["raising"].outcomes == {"completed": 0, "pruned": 0, "diverged": 0, "failed": 2}
    assert sum(row.outcomes["completed"] for row in results.rows) == 6
    diverged = Outcome.read(tmp_path / "s" / "trials" / "breaking-0000")
    failed = Outcome.read(tmp_path / "s" / "trials" / "raising-0000")
    assert diverged is not None
    assert failed is not None
    assert "update 5 in phase cd" in diverged.message
    assert "on fire" in failed.message
    assert "on fire" in (tmp_path / "s" / "trials" / "raising-0000" / "log.txt").read_text()
    states = {s.study_name: s for s in open_storage(SweepDir(tmp_path / "s")).get_all_studies()}
    assert set(states) == {"rbm", "breaking", "raising"}
    assert "–" in results.to_markdown()


def test_a_run_may_diverge_before_its_first_report(tmp_path: Path) -> None:
    early = replace(STUDY.contenders["breaking"], config=BreakingConfig(n_hidden=6, at=2), space={})
    the_study = study(contenders={"early": early, "rbm": STUDY.contenders["rbm"]}, default=("early", "rbm"))
    results, _ = sweep(tmp_path, the_study, trials=0, seeds=1)
    rows = {row.contender: row for row in results.rows}
    assert rows["early"].outcomes == {"completed": 0, "pruned": 0, "diverged": 1, "failed": 0}
    assert rows["early"].diverged_share == 1.0
    assert sum(row.outcomes["completed"] for row in results.rows) == 2


def test_a_pruned_trial_stops_at_its_report_and_the_sweep_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = Search.report

    def report(self: Search, number: int, step: int, metrics: Mapping[str, float]) -> Verdict:
        decide(self, number, step, metrics)
        return "prune" if number == 1 else "go"

    monkeypatch.setattr(Search, "report", report)
    results, _ = sweep(tmp_path, budget="laptop", seeds=1)
    pruned = Outcome.read(tmp_path / "s" / "trials" / "rbm-0001")
    assert pruned is not None
    assert (pruned.kind, pruned.step) == ("pruned", 5)
    assert [row.outcomes for row in results.rows] == [
        {"completed": 3, "pruned": 0, "diverged": 0, "failed": 0},
        {"completed": 2, "pruned": 1, "diverged": 0, "failed": 0},
    ]
    (study,) = open_storage(SweepDir(tmp_path / "s")).get_all_studies()
    trials = open_storage(SweepDir(tmp_path / "s")).get_all_trials(study._study_id)
    assert [t.state.name for t in trials] == ["COMPLETE", "PRUNED", "COMPLETE", "COMPLETE"]
    assert list(trials[1].intermediate_values) == [5]


def test_a_tampered_checkpoint_stops_the_resume_and_nothing_is_lost(tmp_path: Path) -> None:
    from gibbsweep.errors import UserError

    sweep(tmp_path)
    run_dir = tmp_path / "s" / "trials" / "rbm-k=2-seed2"
    (run_dir / "outcome.json").unlink()
    (tensors,) = (run_dir / "checkpoint").glob("*.safetensors")
    tensors.write_bytes(b"x" + tensors.read_bytes()[1:])
    before = {p: p.read_bytes() for p in (tmp_path / "s" / "trials").rglob("*.json*")}
    with pytest.raises(UserError, match="cut short or altered"):
        sweep(tmp_path, name=None, budget=None, resume="s")
    assert {p: p.read_bytes() for p in (tmp_path / "s" / "trials").rglob("*.json*")} == before


def test_results_go_where_they_are_asked(tmp_path: Path) -> None:
    sweep(tmp_path / "runs", trials=0, seeds=1, results=tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["tiny.json", "tiny.md"]
    assert json.loads((tmp_path / "out" / "tiny.json").read_text())["budget"] == "smoke"


def test_halving_continues_the_best_from_their_checkpoints(tmp_path: Path) -> None:
    """Six trials of each k pause after 7 of 20 updates; those that go on report every step once, as if they had never
    stopped."""
    results, text = sweep(tmp_path, budget="laptop", trials=6, seeds=1, scheduler="halving", rungs=1)
    for row in results.rows:
        assert row.outcomes["completed"] >= 2 + 1 and row.outcomes["failed"] == 0
        assert row.outcomes["completed"] + row.outcomes["pruned"] == 7
    (study,) = open_storage(SweepDir(tmp_path / "s")).get_all_studies()
    trials = open_storage(SweepDir(tmp_path / "s")).get_all_trials(study._study_id)
    for trial in trials:
        run_dir = tmp_path / "s" / "trials" / f"rbm-{trial.number:04d}"
        steps = [record.step for record in read_spool(run_dir / "metrics.jsonl")]
        outcome = Outcome.read(run_dir)
        assert outcome is not None
        if trial.state.name == "COMPLETE":
            assert steps == [5, 7, 10, 15, 20]
            assert trial.user_attrs["runs_to"] == 20
        else:
            assert (trial.state.name, outcome.kind, steps) == ("PRUNED", "pruned", [5, 7])
            assert outcome.message == "not among the best after 7 updates"
            assert outcome.device_seconds > 0
    assert text.count(" completed ") == sum(row.outcomes["completed"] for row in results.rows)


def test_two_goals_are_searched_under_halving_and_their_front_is_retrained(tmp_path: Path) -> None:
    """Every end and every report of a trial holds both goals; the members of the front are rows, runs and tags."""
    gap = Goal("validation/energy_gap", "minimize")
    free = Contender(STUDY.contenders["rbm"].config, "energy", {"learning_rate": Float(0.01, 0.3, log=True)})
    both = study(
        contenders={"rbm": free},
        goal=(STUDY.goal, gap),
        evaluators=(LogLikelihood(n_temperatures=20), EnergyGap(n_steps=5)),
    )
    results, text = sweep(tmp_path, both, budget="laptop", trials=6, seeds=1, scheduler="halving", rungs=1)
    storage = open_storage(SweepDir(tmp_path / "s"))
    trials = storage.get_all_trials(storage.get_study_id_from_name("rbm"))
    for trial in trials:
        assert [key for key in trial.user_attrs if key.startswith("objectives@")] == [
            f"objectives@{step}" for step in trial.intermediate_values
        ]
        outcome = Outcome.read(tmp_path / "s" / "trials" / f"rbm-{trial.number:04d}")
        assert outcome is not None
        if trial.state.name == "COMPLETE":
            assert trial.values == [outcome.metrics[goal.metric] for goal in (STUDY.goal, gap)]
    completed = [trial.values for trial in trials if trial.values]
    assert 2 <= len(completed) < 6
    for row in results.rows:
        assert row.front and row.seeds == [1] and row.metrics["test/log_likelihood"].n == 1
    assert results.rows[0].front in ("for log_likelihood", "for all")
    assert len(text.strip().splitlines()) == 3 + 6 + len(results.rows)
    children = sweep_runs(f"sqlite:///{tmp_path.absolute()}/mlflow.db", "s")
    assert set(children["front"]) - {""} == {row.front for row in results.rows}
    again, _ = sweep(tmp_path, both, name=None, budget=None, resume="s")
    assert again.rows == results.rows
