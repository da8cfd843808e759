"""Every script in sweeps/ is one study that can be imported for nothing and whose contenders fit its data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.scripts import ROOT, module_of

from gibbsweep.cli.model.single import load_target
from gibbsweep.data import CATALOGUE, DataNeeds, load
from gibbsweep.data.loading.view import view_of
from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Study
from gibbsweep.study.space import with_values
from gibbsweep_models.capabilities import CanFit
from gibbsweep_models.types import DataSpec, SystemConfig, Units

SCRIPTS = sorted((ROOT / "sweeps").rglob("*.py"))

scripts = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def python(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that finds the packages in their source roots."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in ("platform", "models"))}
    return subprocess.run(
        [sys.executable, *words], check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


def studies_of(script: Path) -> list[Study]:
    return [value for value in vars(module_of(script)).values() if isinstance(value, Study)]


def spec_of(data: str, units: Units, needs: DataNeeds) -> DataSpec:
    """The data set's own where it needs no download, else the one that the catalogue promises, else one of what is
    needed."""
    view = view_of(data)
    words = (100, 8) if needs.text else (None, None)  # ids and words a caption
    entry = next((entry for entry in CATALOGUE if entry.name == view.name), None)
    if entry is None:
        shape = (needs.channels or 3, 32, 32, 32)[: needs.dims or 3]
        return DataSpec(shape, units, 10 if needs.labels else None, *words)
    if entry.how == "bundled":
        return load(data, units=units).spec
    shape = entry.shape if view.size is None else (entry.shape[0], *(view.size for _ in entry.shape[1:]))
    return DataSpec(shape, units, len(view.classes or entry.classes) or None, *words)


def variants(contender: Contender) -> list[SystemConfig]:
    """The configuration as it stands, and with every option of every choice."""
    choices = [(path, domain) for path, domain in contender.space.items() if isinstance(domain, Choice)]
    changed = [with_values(contender.config, {path: option}) for path, domain in choices for option in domain.options]
    return [contender.config, *changed]


def test_there_are_studies() -> None:
    assert ROOT / "sweeps" / "cd_k.py" in SCRIPTS


def test_importing_every_script_does_nothing(tmp_path: Path) -> None:
    """No output, no file, no process, and none of the slow imports that only a run needs."""
    code = (
        "import runpy, sys\n"
        f"for script in {[str(script) for script in SCRIPTS]}:\n"
        "    runpy.run_path(script, run_name='imported')\n"
        "late = {'ray', 'mlflow', 'optuna', 'matplotlib.pyplot'} & set(sys.modules)\n"
        "assert not late, late"
    )
    done = python("-c", code, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@scripts
def test_a_script_is_one_study_and_a_page_of_explanation(script: Path) -> None:
    module = module_of(script)
    assert [study is module.STUDY for study in studies_of(script)] == [True]
    assert module.STUDY.name == script.stem
    assert module.STUDY.question.endswith("?")
    assert (module.__doc__ or "").count("\n") >= 3


@scripts
def test_every_contender_builds_on_the_study_s_data(script: Path) -> None:
    (study,) = studies_of(script)
    for name, contender in study.contenders.items():
        spec = spec_of(study.data, contender.config.units, study.needs)
        for config in (
            *variants(contender),
            *(study.at(budget, [name])[name].config for budget in contender.by_budget),
        ):
            system = config.build(spec)
            assert isinstance(system, CanFit) or system.phases(), name
        at = study.at("laptop", [name])[name]
        for evaluator in (*at.evaluators, *at.final_evaluators):
            assert isinstance(system, evaluator.needs), f"{name} cannot be measured by {type(evaluator).__name__}"


@scripts
def test_no_evaluator_of_a_study_holds_a_class(script: Path) -> None:
    """A sweep's record has their representations, which must not change when a class is renamed or moved."""
    (study,) = studies_of(script)
    for at in study.at("laptop").values():
        for evaluator in (*at.evaluators, *at.final_evaluators):
            assert "<class" not in repr(evaluator)


@scripts
def test_every_contender_has_the_budgets_of_every_machine(script: Path) -> None:
    (study,) = studies_of(script)
    assert set(study.default) <= set(study.contenders)
    for name in study.contenders:
        for budget in ("smoke", "laptop", "gpu"):
            assert study.at(budget, [name])[name].budget.updates > 0


@scripts
def test_a_contender_must_be_named(script: Path) -> None:
    with pytest.raises(UserError, match="names no contender"):
        load_target(str(script))
    study = module_of(script).STUDY
    for name in study.contenders:
        assert load_target(f"{script}:{name}")[0].name == study.name


def test_help_names_the_question_and_the_options() -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['sweeps/cd_k.py', '--help']\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: late = {'ray', 'mlflow', 'scipy.stats', 'sklearn'} & set(sys.modules); assert not late, late"
    )
    done = python("-c", code, folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Does a longer chain buy likelihood and stability?" in done.stdout
    for option in ("--trials", "--contenders", "--resume", "--budget"):
        assert option in done.stdout


def test_other_classes_have_results_of_their_own() -> None:
    module = module_of(ROOT / "sweeps" / "binary_classification.py")
    assert module.study(module.Options()) is module.STUDY
    pair, all_of_them = module.study(module.Options("3,5")), module.study(module.Options("all"))
    assert (pair.name, pair.data) == ("binary_classification_3-5", "mnist[3,5]")
    assert (all_of_them.name, all_of_them.data) == ("binary_classification_all", "mnist")
