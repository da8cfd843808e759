"""What arms and contenders borrow of one another: a function of the records, the same after a kill."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from optuna.storages import InMemoryStorage
from tests.tiny import RBM, study
from tests.tune.falling import Falling, policy
from tests.tune.plans import LIKELIHOOD, new_plan, resumed_plan, run_all
from tests.tune.searches import search_for

from gibbsweep.folder import Outcome
from gibbsweep.study import Choice, Contender, Float, Goal, Int, Space
from gibbsweep.tune.journal.storage import open_storage
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.search.borrowing import borrowed_places, shared
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.simulation.simulate import simulate
from gibbsweep.tune.sweep import trials_sentence

RATE = Float(0.01, 0.3, log=True)
GOAL = Goal("loss", "minimize")


@dataclass(frozen=True)
class Config:
    k: int = 1
    rate: float = 0.02
    momentum: float = 0.5


def two_arms(sampler: SamplerName = "random", **options: Any) -> Search:
    space: Space = {"k": Choice(1, 2), "rate": RATE, "momentum": Float(0.0, 0.9)}
    contender = Contender(Config(), "baseline", space, compare="k")  # type: ignore[arg-type]
    chosen: dict[str, Any] = {"updates": 9, "trials": 12, "seed": 0, "sampler": sampler, **options}
    return search_for(InMemoryStorage(), contender, GOAL, **chosen)


def run(search: Search) -> None:
    """Every trial in its turn; what is lost does not depend on k, and a rate of .1 is best."""
    for _ in range(search.trials):
        record = search.ask()
        metrics = {"loss": abs(record.values["rate"] - 0.1) + 0.01 * record.values["momentum"]}
        search.tell(record.number, Outcome("completed", 9, metrics))


@pytest.mark.parametrize(("trials", "places"), [(0, []), (1, []), (2, [1]), (4, [3]), (9, [7, 8]), (12, [9, 10, 11])])
def test_the_last_quarter_borrows_and_never_the_first(trials: int, places: list[int]) -> None:
    assert list(borrowed_places(trials)) == places


@pytest.mark.parametrize("sampler", [name for name in get_args(SamplerName) if name != "grid"])
def test_a_rate_that_one_arm_finds_the_other_has_too(sampler: SamplerName) -> None:
    run(search := two_arms(sampler))
    first, second = search.arms
    assert [len(arm.records) for arm in search.arms] == [12, 12], "what is borrowed counts"
    found = min(search.records[:18], key=lambda record: record.objectives or ())
    for arm, other in ((first, second), (second, first)):
        assert any({**found.values, "k": arm.option} == record.values for record in arm.records)
        before = [record for record in other.records if record.number < arm.records[9].number]
        best = min(before, key=lambda record: record.objectives or ())
        news = not any({**best.values, "k": arm.option} == record.values for record in arm.records[:9])
        assert arm.records[9].lender == (f"s-{best.number:04d}" if news else "")
        assert not news or arm.records[9].values == {**best.values, "k": arm.option}
        tried = [tuple(record.values.items()) for record in arm.records]
        assert len(set(tried)) == len(tried), "nothing is tried twice"
        assert not any(record.lender for record in arm.records[:9])
    # The points of one quasi-random sequence are the same for both arms, so neither has news for the other.
    assert any(record.lender for record in search.records) == (sampler != "qmc")


def test_without_borrowing_and_on_a_grid_nothing_is_borrowed() -> None:
    for search in (two_arms(borrow=False), two_arms("grid")):
        run(search)
        assert {record.lender for record in search.records} == {""}


def test_only_fields_of_one_path_and_type_with_a_value_inside_are_shared() -> None:
    theirs: Space = {"a": Float(0, 1), "b": Float(0, 9), "c": Choice(1, 2), "d": Int(1, 9), "k": Choice(1, 2)}
    ours: Space = {"a": Float(0, 2), "b": Float(0, 1), "c": Int(1, 2), "d": Int(1, 5), "e": Float(0, 1)}
    values = {"a": 0.7, "b": 5.0, "c": 1, "d": 3, "k": 2}
    assert shared(values, theirs, {**ours, "k": Choice(1, 2)}, {"k": 1}) == {"a": 0.7, "d": 3}


def contenders() -> dict[str, Contender]:
    """Two that share the learning rate alone; the second searches it in another range and starts far from .1."""
    space: Space = {"learning_rate": RATE, "centred": Choice(True, False), "k": Choice(1, 2)}
    other: Space = {"learning_rate": Float(0.001, 0.2, log=True), "weight_decay": Float(1e-6, 1e-3, log=True)}
    far = Contender(RBM.__class__(n_hidden=6, learning_rate=0.002), "baseline", other)
    return {"rbm": Contender(RBM, "energy", space, compare="k"), "far": far}


TWO = study(contenders=contenders(), default=("rbm", "far"))


def finish(plan: Plan, planned: PlannedRun) -> None:
    value = -abs(planned.values.get("learning_rate", 0.1) - 0.1)
    outcome = Outcome("completed", 20, {LIKELIHOOD: value}, device_seconds=1.0)
    outcome.write(plan.sweep.trial(planned.name))
    plan.close(planned.name, outcome)


def test_contenders_borrow_the_fields_that_they_share_and_the_journal_names_the_lender(tmp_path: Path) -> None:
    run_all(plan := new_plan(tmp_path, TWO, trials=8, seeds=1))
    far, rbm = plan.search_of("far"), plan.search_of("rbm")
    assert [len(arm.records) for arm in (*far.arms, *rbm.arms)] == [8, 8, 8]
    (borrowed, *_) = [record for record in far.records if record.lender]
    assert far.records.index(borrowed) >= 6
    lender = rbm.records[int(borrowed.lender.rsplit("-", 1)[1])]
    own = max(far.records[: borrowed.number], key=lambda record: record.objectives or ())
    assert borrowed.values == {
        "learning_rate": lender.values["learning_rate"],
        "weight_decay": own.values["weight_decay"],
    }
    storage = open_storage(plan.sweep)
    told = storage.get_all_trials(storage.get_study_id_from_name("far"))
    assert [trial.user_attrs.get("borrowed_from", "") for trial in told] == [record.lender for record in far.records]
    off = new_plan(tmp_path / "off", TWO, trials=8, seeds=1, no_borrow=True)
    run_all(off)
    assert not any(record.lender for search in off.searches() for record in search.records)
    assert json.loads((tmp_path / "off" / "s" / "sweep.json").read_text())["options"]["no_borrow"] is True


def test_the_start_says_how_many_trials_each_row_has(tmp_path: Path) -> None:
    said = trials_sentence(new_plan(tmp_path / "two", TWO, trials=8, scheduler="halving"))
    assert said == (
        "trials  ·  8 for each of 3 rows, scheduler halving, of which the last 2 borrow from the best other row"
    )
    one = study(contenders={"far": contenders()["far"]}, default=("far",))
    assert trials_sentence(new_plan(tmp_path / "one", one)) == "trials  ·  2 for the row, scheduler none"
    assert trials_sentence(new_plan(tmp_path / "none", one, trials=0)) == ""
    alone = trials_sentence(new_plan(tmp_path / "alone", TWO, no_borrow=True))
    assert alone == "trials  ·  2 for each of 3 rows, scheduler none"
    small = study(contenders={**contenders(), "one": Contender(RBM, "energy", {"k": Choice(1, 2)})})
    plan = new_plan(tmp_path / "small", small, contenders=("far", "one"), trials=8)
    assert trials_sentence(plan).startswith("trials  ·  up to 8 for each of 2 rows")


def test_a_sweep_that_is_killed_before_every_run_borrows_the_same(tmp_path: Path) -> None:
    undisturbed = new_plan(tmp_path / "whole", TWO, trials=8, seeds=1)
    run_all(undisturbed)
    plan = new_plan(tmp_path, TWO, trials=8, seeds=1)
    while (planned := plan.next()) is not None:
        plan = resumed_plan(tmp_path, TWO)  # killed before it began ...
        again = plan.next()
        assert again is not None and (again.name, again.values) == (planned.name, planned.values)
        finish(plan, again)
        plan = resumed_plan(tmp_path, TWO)  # ... and after it ended
    for name in ("rbm", "far"):
        records, others = plan.search_of(name).records, undisturbed.search_of(name).records
        assert [(r.values, r.lender) for r in records] == [(r.values, r.lender) for r in others]
        assert any(record.lender for record in records)


@pytest.mark.parametrize("form", [SchedulerConfig("halving"), SchedulerConfig("stopping")], ids=lambda form: form.name)
def test_below_the_end_the_best_at_a_rung_lend(form: SchedulerConfig) -> None:
    """Under promotion no trial has ended when the last ones begin: the rung says who is best."""
    curves = Falling(may_break=False)
    ours = policy(form, curves, trials=9, rows=3, report_every=0)
    simulate(ours, curves, workers=1)
    borrowed = [record for record in ours.search.records if record.lender]
    assert borrowed and all(record.number // 3 in (7, 8) for record in borrowed)
    for record in borrowed:
        lender = ours.search.records[int(record.lender.rsplit("-", 1)[1])]
        assert lender.values == {**record.values, "row": lender.values["row"]} != record.values
        assert lender.values["floor"] == min(r.values["floor"] for r in ours.search.records[: lender.number + 1])


def test_a_population_borrows_nothing() -> None:
    curves = Falling()
    ours = policy(SchedulerConfig("population", generations=4), curves, trials=8, rows=2)
    simulate(ours, curves, workers=2)
    assert {record.lender for record in ours.search.records} == {""}
