"""A trained run measured again: by its study's evaluators, or by others, on its data set or on another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gibbsweep.evaluate as evaluators_by_name
from gibbsweep.data import Dataset, Split, load
from gibbsweep.errors import UserError
from gibbsweep.evaluate import Evaluator, Prepares, check_needs, check_other_data, evaluate_all
from gibbsweep.evaluate.contract import ChecksSplit
from gibbsweep.folder import RunFolder
from gibbsweep.folder.whole import read_json_object
from gibbsweep.run.assignment import DATA_SEED
from gibbsweep.study import Study
from gibbsweep.train import Evaluation
from gibbsweep.use.model import Model
from gibbsweep.use.script import study_of_run

Part = Literal["test", "validation"]


@dataclass(frozen=True)
class Measures:
    """The evaluators of a run. For example::

    measures = study_measures(model, Path("sweeps/cd_k.py"))
    measure(model, measures, split="test").metrics
    """

    evaluators: tuple[Evaluator, ...]
    """The evaluators."""
    validation: float = 0.1
    """The share of the training file that is set aside for validation."""


def measure(
    model: Model,
    measures: Measures,
    *,
    split: Part = "test",
    data: str | None = None,
    data_root: Path | None = None,
) -> Evaluation:
    """What the evaluators say of ``model`` on a ``split`` of its data set, or of the set ``data``.

    On the run's own data set, and where it measured the same, they give the numbers that the run has on record. Raises
    UserError where a data set or an evaluator does not fit the model.
    """
    dataset = load(
        data or model.data,
        root=data_root,
        units=model.config.units,
        seed=DATA_SEED,
        validation=measures.validation,
    )
    if dataset.spec.shape != model.spec.shape:
        raise UserError(
            f"data set '{dataset.name}' has examples of {dataset.spec.shape}, and {model.path.name} was trained on "
            f"{model.spec.shape}: choose a set or a view of that shape."
        )
    part: Split = dataset.test if split == "test" else dataset.validation
    for evaluator in measures.evaluators:
        check_needs(evaluator, model.system)
        check_other_data(evaluator, dataset)
        if isinstance(evaluator, ChecksSplit):
            evaluator.check_split(part)
    for evaluator in measures.evaluators:
        if isinstance(evaluator, Prepares):
            evaluator.prepare(dataset)
    return evaluate_all(
        measures.evaluators,
        model.system,
        part,
        prefix=split,
        seed=_record(model)["seed"],
        step=model.step,
        device=model.device,
    )


def changed_data(model: Model, data_root: Path | None = None) -> bool:
    """Whether the data set that the run was trained on has changed since."""
    dataset: Dataset = load(model.data, root=data_root, units=model.config.units)
    return bool(dataset.fingerprint != _record(model)["data"]["fingerprint"])


def study_measures(model: Model, script: Path, *, split: Part = "test", budget: str | None = None) -> Measures:
    """The evaluators that the study in ``script`` has for the run's contender, of the test split or of the validation
    split. ``budget``: its name (None: the one that the run was trained with)."""
    study = study_of_run(script, RunFolder(model.path))
    contender = _record(model)["contender"]
    at = study.at(budget or _budget_of(model, study), [study_contender(study, contender, script)])[contender]
    return Measures(at.final_evaluators if split == "test" else at.evaluators, study.validation)


def study_contender(study: Study, contender: str, script: Path) -> str:
    """``contender``, if ``study`` has it; else UserError."""
    if contender not in study.contenders:
        raise UserError(
            f"{script} has no contender {contender!r}, which the run is of: name the script of its study, which has "
            f"{', '.join(study.contenders)}."
        )
    return contender


def only(measures: Measures, names: Sequence[str], system: object) -> Measures:
    """Those of ``measures`` whose classes are named; any other evaluator with the numbers that it has by default.
    Raises UserError for a name of no evaluator, and for one that cannot be made without numbers."""
    chosen: list[Evaluator] = []
    for name in names:
        own = [evaluator for evaluator in measures.evaluators if type(evaluator).__name__ == name]
        if own:
            chosen += own
            continue
        form = _evaluators().get(name)
        if form is None:
            raise UserError(f"there is no evaluator {name!r}: this run can be measured by {_listed(possible(system))}.")
        try:
            chosen.append(form())
        except TypeError as error:
            raise UserError(f"{name} has no default for all of its numbers: name a study that uses it.") from error
    return Measures(tuple(chosen), measures.validation)


def possible(system: object) -> list[str]:
    """The evaluators that ``system`` can be measured by, by name."""
    return [name for name, form in _evaluators().items() if isinstance(system, form.needs)]


def _evaluators() -> dict[str, Any]:
    """All evaluators by the name of their class."""
    exported = {name: getattr(evaluators_by_name, name) for name in evaluators_by_name.__all__}
    return {name: one for name, one in exported.items() if isinstance(one, type) and isinstance(_needs(one), type)}


def _needs(form: type) -> object:
    return vars(form).get("needs")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _budget_of(model: Model, study: Study) -> str:
    """The name of the budget that the run was trained with."""
    record = _record(model)
    sweep = RunFolder(model.path.absolute()).sweep.record_path
    named = read_json_object(sweep).get("budget") if sweep.exists() else None
    if isinstance(named, str):
        return named
    contender = study.contenders.get(record["contender"])
    budgets = study.budgets if contender is None or contender.budgets is None else contender.budgets
    same = [name for name, budget in budgets.items() if json.loads(json.dumps(vars(budget))) == record["budget"]]
    if not same:
        raise UserError(
            f"{model.path} was trained with no budget of study {study.name!r}: name one with --budget, of "
            f"{', '.join(budgets)}."
        )
    return same[0]


def _record(model: Model) -> dict[str, Any]:
    return read_json_object(RunFolder(model.path).config)
