"""A front as a person sees it: rows, labels, targets, the live view and ``gibbsweep status``, and what a later sweep
takes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.tune.plans import new_plan
from tests.tune.two_goals import BITS, FREE, GAP, TWO, end, run_all, two

from gibbsweep.errors import UserError
from gibbsweep.study import Results, Target
from gibbsweep.train import Outcome
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.outline import outline, read_outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.search.front import front_of
from gibbsweep.tune.search.importance import importances_of
from gibbsweep.tune.setup.create import create
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.status.lines import contender_lines
from gibbsweep.tune.status.overview import overview_of
from gibbsweep.tune.table.pictures import shown_runs
from gibbsweep.tune.table.rows import rows_of


def test_rows_labels_and_targets_tell_the_members_apart(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=14)
    run_all(plan)
    rows = rows_of(plan)
    assert [row.label for row in rows] == ["rbm (for log_likelihood)", "rbm (for energy_gap)", "rbm (front 3)"]
    assert [row.seeds for row in rows] == [[1, 2]] * 3
    assert [row.trials for row in rows] == [14] * 3
    assert list(shown_runs(plan)) == [row.label for row in rows]
    assert [path.name for path in shown_runs(plan).values()] == [f"rbm-front{i}-seed1" for i in (1, 2, 3)]
    results = Results("tiny", "?", "digits", "laptop", "cpu", "c" * 40, {"test/log_likelihood": "log p"}, rows)
    assert Results.from_json(results.to_json()).rows == rows
    assert "| rbm (for energy_gap) |" in results.to_markdown()
    rates = [row.metrics["test/log_likelihood"].mean for row in rows]
    for name, bound in (("rbm", max(rates)), ("rbm (for energy_gap)", rates[1])):
        verdict = Target("x", "test/log_likelihood", ">", (name,), 0.0).judge(rows)
        assert verdict is not None and verdict.got == pytest.approx(bound)
    importances = importances_of(plan.search_of("rbm"))
    assert list(importances) == ["rbm (for log_likelihood)", "rbm (for energy_gap)"]
    assert all(set(own) == {"learning_rate"} for own in importances.values())


def test_the_view_says_how_long_the_front_is_and_what_is_best_in_each(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=8)
    write_outline(plan.sweep, outline(plan))
    assert read_outline(plan.sweep) == outline(plan)
    assert len(outline(plan)["rbm"].retrainings) == 6, "as many as there may be"
    run_all(plan)
    write_outline(plan.sweep, outline(plan))
    seen = overview_from_folder(plan.sweep).overview
    records = {search.contender.name: search.records for search in plan.searches()}
    assert seen == overview_of(outline(plan), records, plan.outcomes, {}, ())
    (contender,) = seen.contenders
    front = front_of(plan.search_of("rbm").records, (BITS, GAP))
    assert contender.front == len(front)
    assert [best.run for best in contender.bests] == [f"rbm-{record.number:04d}" for record in front[:2]]
    assert contender.runs == plan.total == seen.done
    text = [line.plain for line in contender_lines(seen, width=120)]
    assert f"front of {len(front)}" in text[0]
    for line, goal, other in zip(
        text[1:], ("log_likelihood", "energy_gap"), ("energy_gap", "log_likelihood"), strict=True
    ):
        assert line.index(f"  {goal} ") < line.index(f"  {other} ")
        assert "=" in line.partition(f"  {other} ")[2] or line.endswith("the recipe as it stands")
    assert all(len(line.plain) <= 60 for line in contender_lines(seen, width=60))


def test_a_front_of_fewer_shows_no_runs_that_will_never_be(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=4)
    for _ in range(4):
        planned = plan.next()
        assert planned is not None
        value = float(planned.number)
        end(plan, planned, Outcome("completed", 20, {BITS.metric: -value, GAP.metric: value}))
    assert outline(plan)["rbm"].retrainings == ("rbm-front1-seed1", "rbm-front1-seed2")
    assert plan.total == 6


def test_one_trial_that_is_best_in_both_is_one_row(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=4)
    while (planned := plan.next()) is not None:
        best = planned.number == 2 or planned.kind == "retrain"
        value = 0.0 if best else 1.0 + planned.number
        end(plan, planned, Outcome("completed", 20, {BITS.metric: -value, GAP.metric: value}))
    assert [row.label for row in rows_of(plan)] == ["rbm (for all)"]
    assert sum(run.startswith("rbm-front") for run in plan.outcomes) == 2
    assert plan.total == 6 and plan.finished()
    write_outline(plan.sweep, outline(plan))
    (contender,) = overview_from_folder(plan.sweep).overview.contenders
    assert [best.run for best in contender.bests] == ["rbm-0002"] and contender.front == 1


def test_a_warm_start_takes_both_goals_and_none_of_a_sweep_of_one(tmp_path: Path) -> None:
    run_all(plan := new_plan(tmp_path, TWO, trials=6))
    options = SweepOptions(runs=tmp_path, name="t", trials=6, from_sweep="s")
    later, settings = create(TWO, options, has_gpu=False)
    (taken,) = warm_start.read(later.warm_start).values()
    records = taken.records(FREE.space, warm_start.comparison_steps(settings.contenders_of(TWO)["rbm"], settings))
    assert [r.objectives for r in records] == [r.objectives for r in plan.search_of("rbm").records]
    assert [r.frozen().values for r in records] == [list(r.objectives or ()) for r in records]
    Plan(TWO, settings, later).next()
    with pytest.raises(UserError, match="goal is .*maximize and .*minimize there and .*maximize here"):
        create(two(goal=BITS), replace(options, name="u"), has_gpu=False)
