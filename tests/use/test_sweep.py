"""A sweep's folder as data frames, the best run of each row, and what a person may type for a run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from tests.tiny import MeanConfig
from tests.tune.two_goals import TWO, run_all

import gibbsweep as gs
from gibbsweep.errors import UserError
from gibbsweep.folder import Outcome, RunFolder, read_spool
from gibbsweep.results.results import Results
from gibbsweep.study import Goal
from gibbsweep.tune.folder.driver import only_driver
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.table.rows import rows_of as rows_of_plan
from gibbsweep.use.find import find_run

METRIC = "validation/log_likelihood"


def test_a_finished_sweep_has_the_rows_of_its_table(finished: tuple[Path, Results]) -> None:
    path, results = finished
    sweep = gs.open_sweep(path)
    assert (sweep.study, sweep.question, sweep.data, sweep.budget) == ("tiny", "Does it work?", "digits", "smoke")
    assert (sweep.state, sweep.goal) == ("finished", Goal(METRIC, "maximize"))
    rows = sweep.rows
    assert list(rows.index) == [row.label for row in results.rows] == ["rbm k=1", "rbm k=2", "mean"]
    for row in results.rows:
        for metric, statistic in row.metrics.items():
            assert rows.loc[row.label, metric] == statistic.mean
            assert rows.loc[row.label, f"{metric} sd"] == statistic.sd
        assert rows.loc[row.label, "trials"] == row.trials and rows.loc[row.label, "seeds"] == len(row.seeds)
    assert rows.loc["rbm k=2", "k"] == 2 and pd.isna(rows.loc["mean", "k"])


def test_runs_reports_and_configurations_are_those_of_the_folders(finished: tuple[Path, Results]) -> None:
    path, _ = finished
    sweep = gs.open_sweep(path)
    folders = {folder.name: folder for folder in (path / "trials").iterdir()}
    assert set(sweep.runs.index) == set(sweep.configurations.index) == set(folders)
    for name, run in sweep.runs.iterrows():
        outcome = Outcome.read(folders[str(name)])
        assert outcome is not None
        assert (run["state"], run["step"], run["path"]) == (outcome.kind, outcome.step, str(folders[str(name)]))
        assert all(run[metric] == value for metric, value in outcome.metrics.items())
        spool = read_spool(RunFolder(folders[str(name)]).spool)
        reports = sweep.reports[sweep.reports["run"] == name]
        assert list(reports["step"]) == [record.step for record in spool]
        assert list(reports[METRIC].dropna()) == [r.metrics[METRIC] for r in spool if METRIC in r.metrics]
        config = json.loads((folders[str(name)] / "config.json").read_text())
        assert all(sweep.configurations.loc[name, key] == value for key, value in config["params"].items())
    assert set(sweep.runs["kind"]) == {"search", "retrain"}
    assert str(sweep.reports["time"].dtype).endswith("UTC]")


def test_the_best_run_is_of_the_row_that_the_table_names(finished: tuple[Path, Results]) -> None:
    path, results = finished
    rbm = [row for row in results.rows if row.contender == "rbm"]
    best = max(rbm, key=lambda row: row.metrics[METRIC].mean)
    model = gs.load_best(path, "rbm")
    assert model.config.k == best.compared["k"]
    for row in rbm:
        found = gs.load_best(path, "rbm", k=row.compared["k"])
        outcomes = {seed: Outcome.read(path / "trials" / f"rbm-k={row.compared['k']}-seed{seed}") for seed in row.seeds}
        values = {seed: outcome.metrics[METRIC] for seed, outcome in outcomes.items() if outcome is not None}
        assert found.path.name.endswith(f"-seed{max(values, key=values.__getitem__)}")
        assert gs.open_sweep(path).rows.loc[row.label, "best"] == found.path.name
        assert {key: getattr(found.config, key) for key in row.best_config} == row.best_config
    with pytest.raises(UserError, match="has no row rbm k=7: it has rbm k=1, rbm k=2"):
        gs.load_best(path, "rbm", k=7)
    with pytest.raises(UserError, match="has no row rmb: it has rbm k=1, rbm k=2, mean"):
        gs.load_best(path, "rmb")


def test_a_stopped_sweep_shows_what_is_known(stopped: Path, tmp_path: Path) -> None:
    sweep = gs.open_sweep(stopped)
    assert sweep.state == "stopped" and list(sweep.rows["seeds"]) == [0, 0] and len(sweep.runs) == 4
    overall = overview_from_folder(SweepDir(stopped)).overview.contenders[0].best
    assert overall is not None
    assert gs.load_best(stopped).path.name == gs.load_best(stopped, "rbm").path.name == overall.run
    values = sweep.runs.groupby("k")[METRIC].idxmax()
    assert list(sweep.rows["best"]) == list(values)
    with only_driver(SweepDir(stopped), "python x.py"):
        assert gs.open_sweep(stopped).state == "running"
    half = tmp_path / "s"
    shutil.copytree(stopped, half)
    (half / "trials" / "rbm-0009").mkdir()
    assert len(gs.open_sweep(half).runs) == 4, "a run that has not begun is none"
    (half / "trials" / "rbm-0000" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="lacks contender, data, kind, params, seed"):
        _ = gs.open_sweep(half).runs
    shutil.rmtree(half / "trials" / "rbm-0000")
    (half / "outline.json").unlink()
    with pytest.raises(UserError, match="has not planned its runs yet"):
        _ = gs.open_sweep(half).rows


def test_a_pareto_front_has_a_best_run_for_each_place(tmp_path: Path) -> None:
    options = SweepOptions(runs=tmp_path, name="s", trials=14, scheduler="none", budget="laptop")
    sweep, settings = create(TWO, options, has_gpu=False)
    plan = Plan(TWO, settings, sweep)
    for planned in run_all(plan):  # whose runs are pretended: here they get their configurations
        params = {"learning_rate": planned.values["learning_rate"]}
        record = {"contender": "rbm", "kind": planned.kind, "seed": planned.seed, "params": params}
        record |= {"data": {"name": "digits"}, "searched": ["learning_rate"]}
        (sweep.trial(planned.name) / "config.json").write_text(json.dumps({**record, "front": planned.front}))
    write_outline(sweep, outline(plan))
    rows = gs.open_sweep(sweep.path).rows
    assert [label for label in rows.index] == [row.label for row in rows_of_plan(plan)]
    assert len(rows) >= 2
    assert [name.split("-")[1] for name in rows["best"]] == [f"front{i + 1}" for i in range(len(rows))]


def test_what_a_person_types_for_a_run(finished: tuple[Path, Results], monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = finished
    runs = path.parent
    best = gs.load_best(path, "rbm", k=2).path
    for text, found in (
        (str(path / "trials" / "rbm-0000"), path / "trials" / "rbm-0000"),
        (str(path / "trials" / "rbm-0000" / "checkpoint"), path / "trials" / "rbm-0000"),
        ("s:rbm-0001", path / "trials" / "rbm-0001"),
        (f"{path}:rbm-0001", path / "trials" / "rbm-0001"),
        ("s:rbm,k=2", best),
        ("s:rbm", gs.load_best(path, "rbm").path),
        ("s:mean", gs.load_best(path, "mean", own=(MeanConfig,)).path),
        ("s", gs.load_best(path, own=(MeanConfig,)).path),
    ):
        assert find_run(text, runs) == found, text
    monkeypatch.chdir(runs.parent)
    for text, said in (
        ("nowhere", "there is no run 'nowhere': name its folder, .*SWEEP:CONTENDER"),
        ("t:rbm", "there is no sweep 't': .* holds s."),
        ("s:rmb", "has no run and no contender 'rmb': did you mean 'rbm'"),
        ("s:zzzz", "its contenders are rbm, mean"),
        ("s:rbm,2", "is read as CONTENDER,OPTION=VALUE"),
        ("s:rbm,k=9", "has no row rbm k=9"),
    ):
        with pytest.raises(UserError, match=said):
            find_run(text, runs)
    with pytest.raises(UserError, match="is no sweep's folder"):
        gs.open_sweep(path / "trials")
    with pytest.raises(UserError, match="there is no sweep 'never'"):
        gs.open_sweep("never")
