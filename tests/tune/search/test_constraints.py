"""Constraints: what violates one is ranked behind, told to the samplers, and not retrained while anything satisfies
all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from tests.tiny import RBM, study
from tests.tune.one_cpu import one_cpu
from tests.tune.plans import LIKELIHOOD, finish, new_plan, outcome_of, resumed_plan
from tests.tune.searches import search_for

from gibbsweep.errors import UserError
from gibbsweep.run.assignment import Assignment
from gibbsweep.study import Constraint, Contender, Float, Goal, Results
from gibbsweep.study.constraint import describe_violations, ranking_loss, violations
from gibbsweep.study.space import with_values
from gibbsweep.train import Budget, Outcome
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.on_ray import trial
from gibbsweep.tune.on_ray.bridge import PlanScheduler
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName
from gibbsweep.tune.search.search import Search
from gibbsweep.tune.table.rows import rows_of

SLOW = Constraint("validation/seconds", "<=", 0.1)


@dataclass(frozen=True)
class Config:
    x: float = 0.05
    y: float = 0.5


def search(
    sampler: SamplerName = "random", scheduler: SchedulerName = "none", storage: BaseStorage | None = None
) -> Search:
    """Minimise x with x >= .6."""
    space = {"x": Float(0, 1), "y": Float(0, 1)}
    return search_for(
        storage or InMemoryStorage(), Contender(Config(), "baseline", space), Goal("x", "minimize"),  # type: ignore[arg-type]
        updates=9, trials=30, seed=0, sampler=sampler, scheduler=SchedulerConfig(scheduler),
        constraints=(Constraint("x", ">=", 0.6),),
    )  # fmt: skip


def end(found: Search, record: Record, x: float | None = None) -> None:
    metrics = {"x": record.values["x"] if x is None else x}
    found.report(record.number, record.runs_to, metrics)
    found.tell(record.number, Outcome("completed", 9, metrics))


def test_a_violation_is_the_excess_in_units_of_the_bound() -> None:
    assert SLOW.violation({"validation/seconds": 0.2}) == pytest.approx(1 / 2)
    assert SLOW.violation({"validation/seconds": 0.05}) == pytest.approx(-1 / 3)
    assert SLOW.violation({"validation/seconds": 0.1}) == 0
    assert SLOW.violation({}) == SLOW.violation({"validation/seconds": float("nan")}) == 1
    assert Constraint("a", ">=", 0.0).violation({"a": -1.0}) == 1 / 2
    assert describe_violations([SLOW], {"validation/seconds": 0.2}) == ["validation/seconds is 0.2, needed <= 0.1"]
    assert describe_violations([SLOW], {}) == ["validation/seconds was not measured, needed <= 0.1"]
    assert describe_violations([SLOW], {"validation/seconds": 0.1}) == []


def test_a_violation_ranks_behind_every_loss() -> None:
    assert ranking_loss(3.0, {"a": -0.2}) == 3.0
    assert 1e12 < ranking_loss(-5.0, {"a": 0.1}) < ranking_loss(-9.0, {"a": 0.1, "b": 0.2})
    assert ranking_loss(float("inf"), {"a": 0.1}) == float("inf")


def test_constraints_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="got '<'"):
        Constraint("a", "<", 1.0)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="finite"):
        Constraint("a", "<=", float("inf"))
    with pytest.raises(UserError, match="test split"):
        Constraint("test/error", "<=", 1.0)


def test_the_best_satisfies_all_or_comes_closest_and_is_so_again_after_a_crash(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    found = search(storage=JournalStorage(JournalFileBackend(journal)))
    for x, best in ((0.1, 0), (0.5, 1), (0.3, 1), (0.9, 3), (0.2, 3), (0.7, 5)):
        end(found, found.ask(), x)
        for same in (found, search(storage=JournalStorage(JournalFileBackend(journal)))):
            record = same.arms[0].best()
            assert record is not None and record.number == best
            assert [r.state for r in same.records] == ["completed"] * len(same.records)
            assert [r.violations for r in same.records] == [r.violations for r in found.records]
            assert [r.frozen().constraints for r in same.records] == [r.frozen().constraints for r in found.records]


@pytest.mark.parametrize(
    ("sampler", "scheduler", "trials"),
    [("tpe", "none", 20), ("tpe", "halving", 20), ("gp", "halving", 15), ("cmaes", "none", 26)],
)
def test_samplers_learn_where_the_constraint_holds(sampler: SamplerName, scheduler: SchedulerName, trials: int) -> None:
    """The goal pulls to x = 0; most of the last four hold x >= .6 all the same (a model of it looks closely on both
    sides)."""
    found = search(sampler, scheduler)
    for _ in range(trials):
        end(found, found.ask())
    assert sum(record.values["x"] >= 0.58 for record in found.records[-4:]) >= 3
    best = found.arms[0].best()
    assert best is not None and 0.6 <= best.values["x"] < 0.75


def test_a_rung_promotes_what_satisfies_first_and_the_same_after_a_crash(tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    found = search("random", "halving", JournalStorage(JournalFileBackend(journal)))
    for x in (0.1, 0.2, 0.95, 0.3, 0.9, 0.05):
        record = found.ask()
        assert found.report(record.number, record.runs_to, {"x": x}) == "go"
        found.pause(record.number)
    again = search("random", "halving", JournalStorage(JournalFileBackend(journal)))
    for same in (found, again):
        promoted = [record.number for record in (same.promote(), same.promote()) if record is not None]
        assert promoted == [4, 2], "the two of six that satisfy, the lower loss first"


def test_the_table_says_which_row_violates_what_and_a_changed_bound_is_refused(tmp_path: Path) -> None:
    slow = study(constraints=(SLOW,))
    plan = new_plan(tmp_path, slow)
    while (planned := plan.next()) is not None:
        outcome = outcome_of(planned)
        seconds = 0.05 if planned.values["k"] == 1 and planned.number != 0 else 0.3
        outcome.metrics["validation/seconds"] = seconds
        assert not plan.report(planned.name, 20, outcome.metrics)
        finish(plan, planned, outcome)
    one, two = rows_of(resumed_plan(tmp_path, slow))
    assert one.violated == [] and one.best_config == plan.search_of("rbm").records[2].values
    assert two.violated == ["validation/seconds is 0.3, needed <= 0.1"]
    results = Results(
        "tiny", "?", "digits", "laptop", "cpu", "c" * 40, {"validation/log_likelihood": "log p"}, [one, two]
    )
    assert "- rbm k=2 violates a constraint: validation/seconds is 0.3, needed <= 0.1." in results.to_markdown()
    assert results.header()[-3] == "violated" and [cells[-3] for cells in results.cells()] == ["–", "1"]
    assert Results.from_json(results.to_json()).rows == results.rows
    with pytest.raises(UserError, match="constraints"):
        resumed_plan(tmp_path, study(constraints=(Constraint("validation/seconds", "<=", 0.2),)))


def test_the_keys_of_violations_are_the_constraints_own_words() -> None:
    assert violations([SLOW], {}) == {"validation/seconds <= 0.1": 1.0}


def test_a_trial_tells_its_constrained_metrics_with_each_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the training loop to the journal, without the cluster between them."""
    gap = Constraint("validation/log_likelihood", ">=", -1.0)
    limited = study(constraints=(gap,))
    plan = new_plan(tmp_path, limited, budget="smoke", scheduler="halving", eta=2, rungs=1)
    planned = plan.next()
    assert planned is not None
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(trial, "_send_to_tune", sent.append)
    assignment = Assignment(
        planned.name, planned.contender, "search", with_values(RBM, planned.values), 0, "digits", Budget(10, 32, 5),
        plan.sweep.trial(planned.name), evaluators=limited.at("smoke")["rbm"].evaluators, precision="fp32", until=5,
        announced=("validation/log_likelihood",),
    )  # fmt: skip
    trial._loop({"assignment": assignment, "in_tune": True, "watch": None})
    (report,) = sent
    assert report["step"] == 5
    value = report[f"announced/{LIKELIHOOD}"]
    listening = SimpleNamespace(config={"name": planned.name})
    PlanScheduler(Gate(plan, StopRequest(plan.sweep)), one_cpu(plan)[1]).on_trial_result(None, listening, report)  # type: ignore[arg-type]
    assert plan.pause(planned.name)
    (record,) = resumed_plan(tmp_path, limited).search_of("rbm").records
    assert record.violations == {5: {str(gap): gap.violation({LIKELIHOOD: value})}}
    assert record.violations[5][str(gap)] > 0
