"""How well a row was tuned, read off the trials of a plan without Ray."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest
from tests.tiny import RBM, study
from tests.tune.plans import LIKELIHOOD, finish, new_plan, run_all

from gibbsweep.results.tuning import Tuning
from gibbsweep.study import Choice, Contender, Float, Int, Space
from gibbsweep.train import Outcome
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.table.rows import rows_of
from gibbsweep.tune.table.tuned import at_edge


def tunings(plan: Plan) -> list[Tuning | None]:
    return [row.tuning for row in rows_of(plan)]


def run_towards(plan: Plan, best: float) -> list[PlannedRun]:
    """Every run, of which the one with the learning rate nearest to ``best`` is the best."""
    order = []
    while (planned := plan.next()) is not None:
        order.append(planned)
        value = -abs(planned.values["learning_rate"] - best)
        finish(plan, planned, Outcome("completed", 20, {LIKELIHOOD: value}))
    return order


def test_trials_their_spread_and_a_best_that_is_the_first(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=9)
    run_all(plan)  # .1 is best, where the search began
    for arm, tuning in zip(plan.arms(), tunings(plan), strict=True):
        assert tuning is not None and (tuning.to_the_end, tuning.few, tuning.default) == (9, False, True)
        values = [record.objectives[0] for record in arm.records if record.objectives]
        spread = tuning.spread[LIKELIHOOD]
        assert (spread.mean, spread.sd, spread.n) == (statistics.fmean(values), statistics.stdev(values), 9)
        assert tuning.at_edge == {}


def test_a_best_that_was_found_is_not_the_first_and_few_trials_are_told(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=4)
    run_towards(plan, 0.02)
    for tuning in tunings(plan):
        assert tuning is not None and tuning.few and not tuning.default


def test_without_trials_what_could_be_searched_is_not_tuned_and_what_could_not_is_not_told(tmp_path: Path) -> None:
    plan = new_plan(tmp_path / "none", trials=0)
    run_all(plan)
    assert tunings(plan) == [Tuning(few=True)] * 2
    compared = study(contenders={"rbm": Contender(RBM, "energy", {"k": Choice(1, 2)}, compare="k")})
    plan = new_plan(tmp_path / "compared", compared)
    run_all(plan)
    assert tunings(plan) == [None, None]


@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_a_space_that_was_tried_whole_is_tuned(tmp_path: Path, sampler: str) -> None:
    small = Contender(RBM, "energy", {"learning_rate": Choice(0.1, 0.2, 0.3, 0.4)})
    plan = new_plan(tmp_path, study(contenders={"rbm": small}), sampler=sampler, trials=8)
    run_all(plan)
    (tuning,) = tunings(plan)
    assert tuning is not None and (tuning.to_the_end, tuning.few, tuning.default) == (4, False, False)
    assert tuning.at_edge == {"learning_rate": 0.1}, "the best is the least of four"


@pytest.mark.parametrize(
    ("domain", "inside", "outside"),
    [
        (Float(0.0, 1.0), (0.021, 0.5, 0.979), (0.0, 0.02, 0.98, 1.0)),
        (Float(1e-4, 1.0, log=True), (2e-4, 0.8), (1e-4, 1.2e-4, 0.84, 1.0)),
        (Int(0, 100), (3, 97), (0, 2, 98, 100)),
        (Int(1, 3), (2,), (1, 3)),
        (Choice(1, 2, 4), (2,), (1, 4)),
        (Choice(4, 2, 1), (2,), (1, 4)),
        (Choice(1, 4, 2), (1, 2, 4), ()),
        (Choice(1, 2), (1, 2), ()),
        (Choice("a", "b", "c"), ("a", "c"), ()),
        (Choice(False, True), (False, True), ()),
    ],
)
def test_the_edge_is_two_percent_of_the_range_on_its_own_scale(
    domain: Any, inside: tuple[Any, ...], outside: tuple[Any, ...]
) -> None:
    assert [at_edge({"x": domain}, {"x": value}, ()) for value in inside] == [{}] * len(inside)
    assert [at_edge({"x": domain}, {"x": value}, ()) for value in outside] == [{"x": value} for value in outside]


def test_the_edge_of_a_branch_counts_where_it_was_chosen_and_what_is_compared_has_none() -> None:
    space: Space = {"form": Choice("a", "b", then={"a": {"x": Float(0, 1)}, "b": {"y": Float(0, 1)}}), "k": Int(1, 9)}
    assert at_edge(space, {"form": "a", "x": 1.0, "k": 9}, {"k": 9}) == {"x": 1.0}
    assert at_edge(space, {"form": "b", "y": 0.5, "k": 1}, ()) == {"k": 1}
