"""A finished sweep that gets more trials keeps what it has, asks on where it was, and retrains what its new best
demands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import RBM, STUDY, study
from tests.tune.plans import LIKELIHOOD, finish, new_plan, outcome_of, resumed_plan, run_all

from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Study
from gibbsweep.tune.folder.driver import only_driver
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.setup.create import reopen
from gibbsweep.tune.setup.extend import record_extension

COARSE = study(contenders={"rbm": Contender(RBM, space={"k": Choice(1, 2, 3)})}, default=("rbm",))
"""Of three configurations."""


def write_table(sweep: SweepDir, text: str = "{}") -> None:
    sweep.results.mkdir()
    (sweep.results / "tiny.json").write_text(text)


def finished(runs: Path, the_study: Study = STUDY, **options: Any) -> Plan:
    plan = new_plan(runs, the_study, budget="laptop", **options)
    run_all(plan)
    assert plan.finished()
    write_table(plan.sweep, '"of the first trials"')
    return plan


def extended_plan(runs: Path, trials: int, the_study: Study = STUDY) -> Plan:
    sweep, settings = reopen(the_study, SweepOptions(runs=runs, resume="s", trials=trials))
    record_extension(sweep, settings)
    return Plan(the_study, settings, sweep)


def values_of(plan: Plan) -> list[dict[str, Any]]:
    return [record.values for record in plan.search_of("rbm").records]


def run_with(plan: Plan, outcome: Callable[[PlannedRun], float]) -> list[str]:
    """Run what is left, with goals of one's own for the trials; the names of the runs."""
    names = []
    while (planned := plan.next()) is not None:
        names.append(planned.name)
        ended = outcome_of(planned)
        if planned.kind == "search":
            ended.metrics[LIKELIHOOD] = outcome(planned)
        finish(plan, planned, ended)
    return names


def test_what_is_done_stays_and_the_record_says_so(tmp_path: Path) -> None:
    before = values_of(finished(tmp_path, trials=3))
    plan = extended_plan(tmp_path, 5)
    names = run_with(plan, lambda planned: -1.0)
    assert names == [f"rbm-{number:04d}" for number in range(6, 10)], "no trial again, and the best needs no retraining"
    assert values_of(plan)[:6] == before
    assert plan.finished()
    assert [len(arm.records) for arm in plan.arms()] == [5, 5]
    record = plan.sweep.record()
    assert (record["options"]["trials"], record["options"]["extended"]) == (5, [3])
    assert [extension["trials"] for extension in record["extensions"]] == [5]
    assert json.loads((plan.sweep.results_of(3) / "tiny.json").read_text()) == "of the first trials"
    assert not plan.sweep.has_table
    write_table(plan.sweep)
    assert extended_plan(tmp_path, 6).settings.extended == (3, 5), "and once more"


def test_a_new_best_is_retrained_under_a_name_of_its_own(tmp_path: Path) -> None:
    first = finished(tmp_path, trials=2)
    kept = {run: first.outcomes[run] for run in ("rbm-k=2-seed1", "rbm-k=2-seed2")}
    plan = extended_plan(tmp_path, 3)
    names = run_with(plan, lambda planned: 1.0 if planned.values["k"] == 1 else -1.0)
    assert names == ["rbm-0004", "rbm-0005", "rbm-k=1-of3-seed1", "rbm-k=1-of3-seed2"]
    (one,), (two,) = (plan.retrainings(arm) for arm in plan.arms())
    assert one.member.values == plan.search_of("rbm").records[4].values
    assert list(two.runs.values()) == list(kept)
    assert {run: plan.outcomes[run] for run in kept} == kept
    assert "rbm-k=1-seed1" in plan.outcomes, "its seconds were spent, and count"
    assert plan.total == len(plan.outcomes) == 6 + 4 + 2
    again = resumed_plan(tmp_path)
    assert again.finished()
    assert again.total == plan.total
    assert again.outcomes == plan.outcomes
    write_table(plan.sweep)
    third = extended_plan(tmp_path, 4)
    assert run_with(third, lambda planned: -2.0) == ["rbm-0006", "rbm-0007"], "the best is that of the first extension"
    assert [next(iter(r.runs.values())) for arm in third.arms() for r in third.retrainings(arm)] == [
        "rbm-k=1-of3-seed1",
        "rbm-k=2-seed1",
    ]


@pytest.mark.parametrize("options", [{}, {"scheduler": "halving", "eta": 2}, {"sampler": "qmc"}], ids=str)
def test_killed_after_any_run_it_asks_the_same_again(options: dict[str, Any], tmp_path: Path) -> None:
    finished(tmp_path / "whole", trials=4, **options)
    whole = extended_plan(tmp_path / "whole", 7)
    run_all(whole)
    finished(tmp_path / "killed", trials=4, **options)
    plan = extended_plan(tmp_path / "killed", 7)
    while (planned := plan.next()) is not None:
        finish(plan, planned)
        plan = resumed_plan(tmp_path / "killed")
    assert values_of(plan) == values_of(whole)
    assert plan.outcomes == whole.outcomes
    assert plan.search_of("rbm").rungs == whole.search_of("rbm").rungs


def test_rungs_stay_where_the_first_trials_had_them(tmp_path: Path) -> None:
    first = finished(tmp_path, trials=3, scheduler="halving")
    plan = extended_plan(tmp_path, 30)
    assert plan.search_of("rbm").rungs == first.search_of("rbm").rungs
    assert new_plan(tmp_path / "anew", budget="laptop", trials=30, scheduler="halving").search_of("rbm").rungs != (
        first.search_of("rbm").rungs
    )


@pytest.mark.parametrize(
    ("options", "the_study", "sentence"),
    [
        ({"scheduler": "population", "trials": 4}, STUDY, "in a population, whose members all begin at once"),
        ({"sampler": "grid", "trials": 2}, STUDY, "on a grid, whose points all move"),
        ({"trials": 3}, COARSE, "each row has tried all configurations of its space"),
        ({"trials": 0}, STUDY, "searches nothing"),
    ],
    ids=["population", "grid", "finite", "nothing"],
)
def test_more_trials_that_have_no_meaning_are_refused(
    options: dict[str, Any], the_study: Study, sentence: str, tmp_path: Path
) -> None:
    sweep = new_plan(tmp_path, the_study, budget="laptop", **options).sweep
    write_table(sweep)
    with pytest.raises(UserError, match=sentence):
        extended_plan(tmp_path, 8, the_study)
    assert "extended" not in sweep.record() and sweep.has_table


def test_a_sweep_that_has_not_ended_is_not_extended(tmp_path: Path) -> None:
    sweep = new_plan(tmp_path, budget="laptop", trials=2).sweep
    with pytest.raises(UserError, match="has not finished its 2 trials a row: continue it without --trials first"):
        extended_plan(tmp_path, 4)
    with only_driver(sweep, "python x.py --resume s"), pytest.raises(UserError, match="is running: extend it when"):
        extended_plan(tmp_path, 4)


def test_of_two_processes_that_extend_a_sweep_one_is_told_so(tmp_path: Path) -> None:
    finished(tmp_path, trials=2)
    sweep, four = reopen(STUDY, SweepOptions(runs=tmp_path, resume="s", trials=4))
    _, eight = reopen(STUDY, SweepOptions(runs=tmp_path, resume="s", trials=8))
    record_extension(sweep, four)
    with pytest.raises(UserError, match="was extended to 4 trials a row meanwhile"):
        record_extension(sweep, eight)
