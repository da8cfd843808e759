"""The plan without Ray: who runs when, and what a crash leaves."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tiny import RBM, STUDY, study
from tests.tune.plans import LIKELIHOOD, finish, new_plan, outcome_of, resumed_plan, run_all

from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Float
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.driver import only_driver
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.setup.create import reopen
from gibbsweep.tune.table.pictures import shown_runs
from gibbsweep.tune.table.rows import rows_of


def test_options_take_turns_and_each_best_is_retrained(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    order = run_all(plan)
    search = [p for p in order if p.kind == "search"]
    assert [p.values["k"] for p in search] == [1, 2, 1, 2]
    assert [p.name for p in search] == [f"rbm-000{i}" for i in range(4)]
    assert search[0].values["learning_rate"] == RBM.learning_rate, "the recipe itself comes first"
    retrained = {(p.option, p.seed) for p in order if p.kind == "retrain"}
    assert retrained == {(k, s) for k in (1, 2) for s in (1, 2)}
    assert plan.finished()
    assert plan.total == len(order) == 8
    for k in (1, 2):
        best = max(
            (p for p in search if p.option == k), key=lambda p: outcome_of(p).metrics["validation/log_likelihood"]
        )
        assert all(p.values == best.values for p in order if p.kind == "retrain" and p.option == k)


def test_retraining_waits_for_its_option_s_search(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    first = [plan.next() for _ in range(4)]
    assert plan.next() is None
    assert not plan.finished()
    for planned in first:
        assert planned is not None
        if planned.option == 2:
            finish(plan, planned)
    following = plan.next()
    assert following is not None
    assert (following.kind, following.option) == ("retrain", 2)


def test_retraining_waits_for_a_trial_whose_outcome_the_journal_has_not_heard_of(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, seeds=1)
    trials = [planned for planned in (plan.next() for _ in range(4)) if planned is not None]
    for planned in trials[:3]:
        finish(plan, planned)
    best = Outcome("completed", 20, {"validation/log_likelihood": 1.0})
    best.write(plan.sweep.trial(trials[3].name))  # and then a kill
    plan = resumed_plan(tmp_path)
    unheard, first, none = plan.next(), plan.next(), plan.next()
    assert unheard == trials[3] and first is not None and (first.kind, first.option) == ("retrain", 1) and none is None
    finish(plan, unheard, best)
    second = plan.next()
    assert second is not None and (second.option, second.values) == (2, trials[3].values)


def test_no_search_retrains_the_recipe(tmp_path: Path) -> None:
    order = run_all(new_plan(tmp_path, trials=0))
    assert [p.kind for p in order] == ["retrain"] * 4
    assert {tuple(p.values.items()) for p in order} == {(("k", 1),), (("k", 2),)}


@pytest.mark.parametrize("kind", ["diverged", "failed", "pruned"])
def test_an_option_whose_trials_all_end_badly_is_not_retrained(tmp_path: Path, kind: str) -> None:
    plan = new_plan(tmp_path)
    runs = 0
    while (planned := plan.next()) is not None:
        runs += 1
        bad = planned.kind == "search" and planned.option == 1
        finish(plan, planned, Outcome(kind, 7) if bad else None)  # type: ignore[arg-type]
    assert plan.finished()
    assert runs == 4 + 2
    assert {record.state for record in plan.search_of("rbm").records} == {kind, "completed"}


def test_a_completed_trial_without_a_finite_goal_counts_as_diverged(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    planned = plan.next()
    assert planned is not None
    finish(plan, planned, Outcome("completed", 20, {"validation/log_likelihood": float("nan")}))
    (record,) = plan.search_of("rbm").records
    assert record.state == "diverged"
    assert record.frozen().state.name == "FAIL"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_crashes_at_random_moments_lose_and_repeat_nothing(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """A driver that dies between any two steps of the plan, again and again: every run ends exactly once."""
    runs = tmp_path_factory.mktemp("runs")
    dice = random.Random(seed)
    plan = new_plan(runs)
    ended: list[str] = []
    in_flight: list[PlannedRun] = []
    for _ in range(200):
        if plan.finished():
            break
        act = dice.random()
        if act < 0.2:
            plan, in_flight = resumed_plan(runs), []
        elif act < 0.6 and len(in_flight) < 2:
            planned = plan.next()
            if planned is not None:
                in_flight.append(planned)
        elif in_flight:
            planned = in_flight.pop(dice.randrange(len(in_flight)))
            outcome = Outcome.read(plan.sweep.trial(planned.name))
            if outcome is None:
                ended.append(planned.name)
                outcome = outcome_of(planned)
                outcome.write(plan.sweep.trial(planned.name))
                if dice.random() < 0.3:  # dies after the run's record, before Optuna hears of it
                    plan, in_flight = resumed_plan(runs), []
                    continue
            plan.close(planned.name, outcome)
    else:
        pytest.fail("the sweep does not end")
    assert len(ended) == len(set(ended)) == plan.total
    assert [record.state for record in plan.search_of("rbm").records] == ["completed"] * 4


def test_a_changed_study_is_refused_with_the_difference(tmp_path: Path) -> None:
    new_plan(tmp_path)
    changed = study(
        contenders={
            "rbm": Contender(
                RBM, "energy", {"k": Choice(1, 2), "learning_rate": Float(0.01, 0.5, log=True)}, compare="k"
            )
        }
    )
    with pytest.raises(UserError, match=r"rbm\.space\.learning_rate\.float: \[0\.01, 0\.3\] -> \[0\.01, 0\.5\]"):
        resumed_plan(tmp_path, changed)
    with pytest.raises(UserError, match="trials = 2"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="s", trials=1))
    with pytest.raises(UserError, match="holds s"):
        reopen(STUDY, SweepOptions(runs=tmp_path, resume="other"))
    with pytest.raises(UserError, match="belongs to study 'tiny'"):
        reopen(study(name="other"), SweepOptions(runs=tmp_path, resume="s"))


def test_an_existing_name_is_not_overwritten(tmp_path: Path) -> None:
    new_plan(tmp_path)
    before = (tmp_path / "s" / "sweep.json").read_bytes()
    with pytest.raises(UserError, match="--resume s"):
        new_plan(tmp_path)
    assert (tmp_path / "s" / "sweep.json").read_bytes() == before


def test_a_sweep_has_one_driver(tmp_path: Path) -> None:
    plan = new_plan(tmp_path)
    with (
        only_driver(plan.sweep, "python x.py"),
        pytest.raises(UserError, match="another process"),
        only_driver(plan.sweep, "python x.py"),
    ):
        pass
    with only_driver(plan.sweep, "python x.py"):
        assert plan.next() is not None


def test_every_combination_of_several_compared_paths_is_a_row(tmp_path: Path) -> None:
    """A pure grid needs no search: every combination is trained with every seed, and the best rate of each k is
    shown."""
    space = {"k": Choice(1, 2), "learning_rate": Choice(0.05, 0.1, 0.4)}
    grid = study(contenders={"rbm": Contender(RBM, "energy", space, compare=("k", "learning_rate"))})
    plan = new_plan(tmp_path, grid, trials=1)
    order = run_all(plan)
    assert {p.kind for p in order} == {"retrain"} and len(order) == plan.total == 12
    assert {(p.values["k"], p.values["learning_rate"], p.seed) for p in order} == {
        (k, rate, seed) for k in (1, 2) for rate in (0.05, 0.1, 0.4) for seed in (1, 2)
    }
    assert order[0].name == "rbm-k=1-learning_rate=0.05-seed1"
    rows = rows_of(plan)
    assert [row.label for row in rows[:2]] == ["rbm k=1 learning_rate=0.05", "rbm k=1 learning_rate=0.1"]
    assert rows[1].best_config["learning_rate"] == 0.1
    assert list(shown_runs(plan)) == ["rbm k=1 learning_rate=0.1", "rbm k=2 learning_rate=0.1"]
    assert resumed_plan(tmp_path, grid).finished()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler": "halving", "eta": 1}, "--eta must be at least 2: got 1"),
        ({"scheduler": "halving", "brackets": 9}, "--brackets 9 needs 8 rungs"),
        (
            {"sampler": "grid"},
            "smallest form has 2 points, and there are 1 trials: use --trials 2 or more",
        ),
    ],
)
def test_a_search_that_cannot_be_leaves_no_folder(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        new_plan(tmp_path, trials=1, **options)
    assert not (tmp_path / "s").exists()


def test_the_median_rule_needs_peers_of_the_same_option(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=6, scheduler="median")
    for _ in range(8):
        planned = plan.next()
        assert planned is not None
        assert not plan.report(planned.name, 5, {LIKELIHOOD: 10.0 if planned.option == 1 else 0.0})
        finish(plan, planned)
    ninth, tenth = plan.next(), plan.next()
    assert ninth is not None
    assert tenth is not None
    assert plan.report(ninth.name, 5, {LIKELIHOOD: 9.0}), "k=1: worse than 10"
    assert not plan.report(tenth.name, 5, {LIKELIHOOD: 9.0}), "k=2: better than 0"
    assert not plan.report(ninth.name, 6, {LIKELIHOOD: -1.0}), "no peer has reported at 6"
