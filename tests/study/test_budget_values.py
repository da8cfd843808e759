"""Values by budget become plain numbers before anything is recorded, and names of budgets that are not there are
refused."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.tiny import RBM, study

from gibbsweep.errors import UserError
from gibbsweep.evaluate import EnergyGap, GuidanceScales, LogLikelihood, SampleGrid
from gibbsweep.study import Contender, by_budget
from gibbsweep.study.budget_values import ByBudget, at_budget
from gibbsweep.train import Budget
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.setup.create import create


@dataclass(frozen=True)
class Inner:
    n: int = 1


@dataclass(frozen=True)
class Outer:
    inner: Inner
    sizes: tuple[int, ...] = (1, 2)
    name: str = "outer"


def test_a_value_is_found_wherever_it_stands() -> None:
    part = Outer(Inner(by_budget(smoke=2, other=20)), (1, by_budget(smoke=3, laptop=30)), name="x")
    assert at_budget(part, "smoke") == Outer(Inner(2), (1, 3), "x")
    assert at_budget(part, "laptop") == Outer(Inner(20), (1, 30), "x")
    assert at_budget((by_budget(smoke=Inner(by_budget(smoke=5, other=6)), other=None),), "smoke") == (Inner(5),)
    with pytest.raises(UserError, match="has none for 'gpu': it has smoke, laptop; name 'gpu' too"):
        at_budget(part, "gpu")


def test_what_has_no_value_by_budget_stays_the_object_it_was() -> None:
    part = Outer(Inner(), (3, 4))
    assert at_budget(part, "smoke") is part
    evaluators = (EnergyGap(), LogLikelihood())
    assert at_budget(evaluators, "smoke") is evaluators


def test_none_is_a_value_like_any_other() -> None:
    assert at_budget(EnergyGap(limit=by_budget(smoke=3, other=None)), "gpu").limit is None  # type: ignore[arg-type]


def test_a_study_is_asked_with_a_budget_and_answers_in_numbers(tmp_path: Path) -> None:
    gap = EnergyGap(n_steps=by_budget(smoke=2, other=9), limit=by_budget(slow=7, other=8))
    the_study = study(evaluators=by_budget(slow=(LogLikelihood(),), other=()), final_evaluators=(gap, SampleGrid()))
    assert the_study.at("slow")["rbm"].evaluators == (LogLikelihood(),)
    assert the_study.at("smoke")["rbm"].evaluators == ()
    assert the_study.at("smoke")["rbm"].final_evaluators == (EnergyGap(2, 8), SampleGrid())
    assert the_study.at("slow")["rbm"].final_evaluators == (EnergyGap(9, 7), SampleGrid())
    assert pickle.loads(pickle.dumps(the_study.at("slow")["rbm"].final_evaluators))[0] == EnergyGap(9, 7)
    plain = study(evaluators=(), final_evaluators=(EnergyGap(2, 8), SampleGrid()))
    records = [
        create(each, SweepOptions(runs=tmp_path / name, name="s", budget="smoke"), has_gpu=False)[1]
        for name, each in (("by_budget", the_study), ("plain", plain))
    ]
    assert records[0] == records[1]


def test_a_budget_that_the_study_has_not_is_refused_when_it_is_written() -> None:
    budgets = {"smoke": Budget(10), "laptop": Budget(20), "slow": Budget(2000)}
    with pytest.raises(UserError, match="contender 'rbm' names the budget 'labtop', .* did you mean 'laptop'"):
        study(budgets=budgets, evaluators=(EnergyGap(by_budget(labtop=2, other=3)),))
    with pytest.raises(UserError, match="none for laptop, slow: name them, or give the value of all others"):
        study(budgets=budgets, evaluators=(EnergyGap(by_budget(smoke=2)),))
    with pytest.raises(UserError, match="contender 'rbm' names the budget 'smok', which the study has not: did you"):
        study(budgets=budgets, contenders={"rbm": Contender(RBM, "energy", by_budget={"smok": {"n_hidden": 3}})})
    with pytest.raises(UserError, match="which the study has not: it has smoke, laptop, slow"):
        study(budgets=budgets, contenders={"rbm": Contender(RBM, "energy", by_budget={"of the moon": {"n_hidden": 3}})})
    # A contender's own budgets count, and are all that it needs values for.
    own = Contender(RBM, "energy", evaluators=(EnergyGap(by_budget(night=2)),), budgets={"night": Budget(10)})
    assert study(contenders={"rbm": own}).at("night")["rbm"].evaluators == (EnergyGap(2),)


def test_an_object_that_checks_its_numbers_says_what_to_write_instead() -> None:
    with pytest.raises(UserError, match="put by_budget around the whole object"):
        GuidanceScales(by_budget(smoke=(0.0, 1.0, 2.0), other=(0.0, 1.0, 2.0, 4.0)))
    scales = by_budget(smoke=GuidanceScales((0.0, 1.0, 2.0)), other=GuidanceScales((0.0, 1.0, 2.0, 4.0)))
    assert at_budget(scales, "gpu").scales[-1] == 4.0
    with pytest.raises(UserError, match="names at least one budget"):
        by_budget(other=3)


def test_a_value_by_budget_is_told_from_a_number() -> None:
    value: object = by_budget(smoke=1, other=2)
    assert isinstance(value, ByBudget) and value.for_all
    assert replace(value, values={"smoke": 3}).at("smoke") == 3
