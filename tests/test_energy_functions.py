"""The study of forms: three tasks from one script, a search that tries every branch, and a figure of what matters."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from rich.console import Console
from tests.scripts import ROOT, module_of

from gibbsweep.cli import run_study_of
from gibbsweep.results.statistic import Statistic
from gibbsweep.study import Choice, Results, Row
from gibbsweep.study.space import walk, with_values
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.sweep import run_sweep
from gibbsweep_models.types import DataSpec

SCRIPT = module_of(ROOT / "sweeps" / "energy_functions.py")
TASKS = ("anomaly", "classification", "generation")


@pytest.mark.parametrize("task", TASKS)
def test_every_form_of_every_task_builds_with_what_is_beneath_it(task: str) -> None:
    study = SCRIPT.study(SCRIPT.Options(task))
    contender = study.contenders["energy"]
    forms = contender.space["form.name"]
    assert contender.options() == forms.options == tuple(forms.then)
    spec = DataSpec((1, 28, 28), n_classes=10)
    for name, branch in forms.then.items():
        last = {path: d.options[-1] if isinstance(d, Choice) else d.high for path, d in walk(branch)}
        system = with_values(contender.config, {"form.name": name, **last}).build(spec)
        assert system.phases()
        at = study.at("laptop")["energy"]
        for evaluator in (*at.evaluators, *at.final_evaluators):
            assert isinstance(system, evaluator.needs)


@pytest.mark.usefixtures("stand_ins")
def test_every_form_starts_from_its_own_recipe(tmp_path: Path) -> None:
    """The first trial of each form is the configuration as it stands, in that form's branch."""
    sweep, settings = create(SCRIPT.STUDY, SweepOptions(runs=tmp_path, name="s"), has_gpu=False)
    plan = Plan(SCRIPT.STUDY, settings, sweep)
    options = plan.search_of("energy").contender.options()
    asked = [plan.next() for _ in range(2 * len(options))]
    assert Counter(p.values["form.name"] for p in asked if p) == dict.fromkeys(options, 2)
    for planned in asked[: len(options)]:
        assert planned is not None
        values = planned.values
        assert (values["form.width"], values["cd.learning_rate"], values["cd.l2"]) == (8, 1e-3, 0.1)
        assert values.get("form.depth", 3) == 3
        assert ("form.depth" in values) == (values["form.name"] not in ("quadratic", "rbm"))


def table(importances: dict[str, float]) -> Results:
    rows = [
        Row("energy", "energy", {}, {"test/auroc": Statistic(0.7, 0.1, 2)}, [1, 2], 4, 1.0, {}, {"form.name": name}, 6)
        for name in ("conv", "mlp")
    ]
    columns = {"test/auroc": "AUROC"}
    return Results(
        "s",
        "Why?",
        "mnist",
        "smoke",
        "CPU",
        "c",
        columns,
        rows,
        importances={"energy": importances} if importances else {},
    )


def test_the_figure_and_the_finding_say_what_matters() -> None:
    found = {
        "form.name": 0.5,
        "form.name=conv cd.l2": 0.125,
        "form.name=mlp cd.l2": 0.125,
        "form.name=mlp form.depth": 0.1,
    }
    draw = SCRIPT.STUDY.figures["importance"]
    figure = draw(table(found))
    assert isinstance(figure, Figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["name", "l2", "depth"]
    (finding,) = SCRIPT.STUDY.findings(table(found))
    assert (
        "over the completed ones of 12 trials: form.name 50%, cd.l2 25%, form.depth 10%; interactions and noise 15%"
        in finding
    )
    assert SCRIPT.STUDY.findings(table({})) == []
    assert "Too few" in draw(table({})).axes[0].get_title()


@pytest.mark.usefixtures("ray_of_one_cpu")
def test_a_search_over_two_forms_fills_the_importances(tmp_path: Path) -> None:
    study = SCRIPT.STUDY
    contender = study.contenders["energy"]
    small = {"form.name": Choice("quadratic", "mlp", then={name: SCRIPT.FORMS[name] for name in ("quadratic", "mlp")})}
    study = replace(study, contenders={"energy": replace(contender, space=small)})
    options = SweepOptions(runs=tmp_path, name="s", budget="smoke", trials=4, seeds=0, data="digits")
    results = run_sweep(study, options, console=Console(file=io.StringIO()), command="python x.py")
    found = results.importances["energy"]
    assert {"form.name", "form.name=quadratic form.width", "form.name=mlp form.activation"} <= set(found)
    assert all(0 <= share <= 1 for share in found.values())
    assert sum(found.values()) <= 1 + 1e-9
    assert len(results.findings) == 1
    assert (
        json.loads((tmp_path / "s" / "results" / f"{results.stem}.json").read_text())["importances"]
        == results.importances
    )


@pytest.mark.usefixtures("ray_of_one_cpu")
def test_the_task_is_remembered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--runs", str(tmp_path)]
    start = ["--task", "classification", "--name", "s", "--budget", "smoke", "--trials", "0", "--seeds", "0"]
    results = run_study_of(SCRIPT.study, SCRIPT.Options, [*start, "--data", "digits", *words])
    assert results.study == "energy_functions_classification"
    again = run_study_of(SCRIPT.study, SCRIPT.Options, ["--resume", "s", *words])
    assert again.study == results.study
    assert {row.compared["form.name"] for row in again.rows} == set(SCRIPT.CLASS_FORMS)
