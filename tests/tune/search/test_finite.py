"""A finite space ends its search: no configuration is trained twice, and the sweep says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage
from tests.tiny import RBM, study
from tests.tune.plans import new_plan, resumed_plan, run_all
from tests.tune.searches import search_for

from gibbsweep.study import Choice, Contender, Float, Goal, Int, Space, Study
from gibbsweep.tune.samplers.finite import configurations, nearest_untried
from gibbsweep.tune.sweep import search_sentences

TWO_BY_TWO: Space = {"k": Choice(1, 2), "centred": Choice(True, False)}


def of(space: Space, compare: str | None = "k") -> Study:
    return study(contenders={"rbm": Contender(RBM, "energy", space, compare=compare)})


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "qmc", "random", "grid"])
def test_no_configuration_is_trained_twice(sampler: str, tmp_path: Path) -> None:
    plan = new_plan(tmp_path, of(TWO_BY_TWO), trials=12, seeds=1, sampler=sampler)
    order = run_all(plan)
    tried = [(run.values["k"], run.values["centred"]) for run in order if run.kind == "search"]
    assert sorted(tried) == [(1, False), (1, True), (2, False), (2, True)]
    assert plan.finished() and [run.kind for run in order].count("retrain") == 2
    (search,) = plan.searches()
    assert "rbm: 4 configurations, 12 trials" in search_sentences(search, plan.settings)[0]
    assert resumed_plan(tmp_path, of(TWO_BY_TWO)).finished()


def test_a_space_with_more_configurations_than_trials_repeats_none(tmp_path: Path) -> None:
    space: Space = {"k": Int(1, 3), "centred": Choice(True, False), "n_hidden": Choice(4, 8)}
    plan = new_plan(tmp_path, of(space, None), trials=11, seeds=0)
    tried = [tuple(run.values.items()) for run in run_all(plan)]
    assert len(tried) == len(set(tried)) == 11
    assert search_sentences(plan.searches()[0], plan.settings) == []


def test_configurations_are_counted_with_their_branches() -> None:
    branches: Space = {"a": Choice("x", "y", then={"x": {"b": Int(1, 4)}}), "c": Choice(1, 2)}
    assert configurations(branches, {}) == (4 + 1) * 2
    assert configurations(branches, {"a": "x"}) == 8
    assert configurations(branches, {"a": "y", "c": 1}) == 1
    assert configurations({**branches, "d": Float(0.0, 1.0)}, {}) is None


def test_the_nearest_untried_configuration_is_taken() -> None:
    space: Space = {"n": Int(1, 9)}
    tried = [{"n": n} for n in (4, 5)]
    assert nearest_untried(space, {"n": 5}, tried, {}, seed=0, number=2) == {"n": 6}
    assert nearest_untried(space, {"n": 7}, tried, {}, seed=0, number=2) == {"n": 7}
    everything = [{"n": n} for n in range(1, 10)]
    assert nearest_untried(space, {"n": 5}, everything, {}, seed=0, number=9) == {"n": 5}
    large: Space = {f"n{i}": Int(1, 100) for i in range(4)}
    point = {path: 50 for path in large}
    assert nearest_untried(large, point, [point], {}, seed=0, number=1) != point


BRANCHES: Space = {
    "k": Choice(1, 2),
    "learning_rate": Float(0.01, 0.3),
    "n_hidden": Int(2, 8),
    "centred": Choice(True, False, then={True: {"offset_rate": Float(0.001, 0.1)}}),
}


@pytest.mark.parametrize(
    ("sampler", "space", "rungs", "paths"),
    [
        ("cmaes", BRANCHES, False, ["centred", "offset_rate"]),
        ("gp", BRANCHES, False, ["offset_rate"]),
        ("tpe", BRANCHES, False, []),
        ("random", BRANCHES, False, []),
        ("cmaes", {"k": Choice(1, 2), "learning_rate": Float(0.01, 0.3)}, False, ["learning_rate"]),
        ("cmaes", {"learning_rate": Float(0.01, 0.3), "n_hidden": Int(2, 8)}, False, []),
    ],
)
def test_a_sampler_that_draws_at_random_names_what(sampler: str, space: Space, rungs: bool, paths: list[str]) -> None:
    contender = Contender(RBM, "energy", space, compare="k" if "k" in space else None)
    search = search_for(
        InMemoryStorage(), contender, Goal("x", "minimize"), updates=20, trials=8, seed=0, sampler=sampler
    )
    assert search.drawn_at_random == paths
