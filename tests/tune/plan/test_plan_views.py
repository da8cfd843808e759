"""Views, contenders with nothing to search, and what a budget changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import RBM, STUDY, study
from tests.tune.plans import new_plan, resumed_plan, run_all

from gibbsweep.errors import UserError
from gibbsweep.evaluate import EnergyGap, LogLikelihood, SampleGrid
from gibbsweep.study import Choice, Contender, Float, by_budget
from gibbsweep.study.space import with_values
from gibbsweep.tune.table.rows import rows_of
from gibbsweep_models.energy.conv_ebm import ConvEBMConfig


def two(data: str) -> tuple[str, ...]:
    return (data, "mnist5k")


def test_search_sees_the_first_view_and_each_best_is_retrained_on_all(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, study(views=two))
    order = run_all(plan)
    assert {p.data for p in order if p.kind == "search"} == {"digits"}
    retrained = [(p.option, p.data, p.seed) for p in order if p.kind == "retrain"]
    assert sorted(retrained) == [(k, data, seed) for k in (1, 2) for data in ("digits", "mnist5k") for seed in (1, 2)]
    assert plan.total == len(order) == 4 + 8
    assert len({p.name for p in order}) == len(order)
    assert resumed_plan(tmp_path, study(views=two)).finished()
    with pytest.raises(UserError, match="views"):
        resumed_plan(tmp_path, STUDY)


def test_a_contender_with_nothing_to_search_is_only_retrained(tmp_path: Path) -> None:
    compared = Contender(RBM, "energy", {"k": Choice(1, 2)}, compare="k")
    the_study = study(contenders={**STUDY.contenders, "compared": compared})
    plan = new_plan(tmp_path, the_study, contenders=("mean", "compared", "rbm"))
    order = run_all(plan)
    assert {p.contender for p in order if p.kind == "search"} == {"rbm"}
    assert [(p.option, p.values) for p in order if p.contender == "mean"] == [(None, {})] * 2
    assert sorted(p.option for p in order if p.contender == "compared") == [1, 1, 2, 2]
    assert all(p.values == {"k": p.option} for p in order if p.contender == "compared")
    assert plan.total == len(order) == 4 + 2 + 4 + 4
    (row,) = [row for row in rows_of(plan) if row.contender == "mean"]
    assert row.best_config == {"units": "binary"}


def test_a_budget_changes_the_configuration_that_search_starts_from(tmp_path: Path) -> None:
    contender = Contender(
        RBM, "energy", {"learning_rate": Float(0.001, 0.9)}, by_budget={"slow": {"learning_rate": 0.7, "n_hidden": 3}}
    )
    the_study = study(contenders={"rbm": contender})
    assert the_study.at("smoke")["rbm"].config == RBM
    assert the_study.at("slow")["rbm"].config == replace(RBM, learning_rate=0.7, n_hidden=3)
    first = new_plan(tmp_path, the_study, budget="slow").next()
    assert first is not None
    assert first.values == {"learning_rate": 0.7}


def test_a_budget_that_changes_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'n_hidden'"):
        study(contenders={"rbm": Contender(RBM, "energy", by_budget={"gpu": {"n_hiden": 3}})})


def test_evaluators_may_depend_on_the_budget() -> None:
    the_study = study(evaluators=by_budget(slow=(EnergyGap(),), other=()))
    assert the_study.at("slow")["rbm"].evaluators == (EnergyGap(),)
    assert the_study.at("smoke")["rbm"].evaluators == ()
    assert the_study.at("smoke")["mean"].final_evaluators == (LogLikelihood(n_temperatures=20),)


def test_a_contender_that_cannot_be_measured_is_refused_before_the_sweep_exists(tmp_path: Path) -> None:
    mean = replace(STUDY.contenders["mean"], final_evaluators=(SampleGrid(),))
    with pytest.raises(
        UserError, match="SampleGrid needs a system with CanSample, and MeanSystem has no sample..: define it"
    ):
        new_plan(tmp_path, study(contenders={"mean": mean}, default=("mean",)))
    assert not (tmp_path / "s").exists()


def test_a_contender_that_does_not_fit_the_data_is_refused_before_the_sweep_exists(tmp_path: Path) -> None:
    contenders = {"conv": Contender(ConvEBMConfig(), "energy", evaluators=(), final_evaluators=())}
    with pytest.raises(UserError, match="contender 'conv' does not fit the data"):
        new_plan(tmp_path, study(contenders=contenders, default=("conv",), data="ring8"))
    assert not (tmp_path / "s").exists()


def test_a_choice_of_tuples_is_searched_and_its_recipe_is_tried_first(tmp_path: Path) -> None:
    """Optuna's journal keeps plain values alone; the widths of a network come back as the tuple they were."""
    space = {"channels": Choice((4, 4), (8, 8), (4, 8))}
    config = ConvEBMConfig(channels=(8, 8))
    contenders = {"conv": Contender(config, "energy", space, evaluators=(), final_evaluators=())}
    order = run_all(new_plan(tmp_path, study(contenders=contenders, default=("conv",)), trials=5))
    assert order[0].values == {"channels": (8, 8)}
    for planned in order:
        assert tuple(planned.values["channels"]) in {(4, 4), (8, 8), (4, 8)}
        assert with_values(config, planned.values).channels == tuple(planned.values["channels"])
