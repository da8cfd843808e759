"""Every scheduler over simulated trials: who runs, who stops, what a crash changes."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import InMemoryStorage
from tests.tune.falling import (
    FORMS,
    Falling,
    Flat,
    Opposed,
    each_form_of_its_goals,
    every_form,
    of_one_or_two,
    policy,
)

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.choice import SchedulerConfig, SchedulerName
from gibbsweep.tune.simulation.curves import SyntheticCurves
from gibbsweep.tune.simulation.simulate import SearchPolicy, loss_of, simulate


@each_form_of_its_goals
@pytest.mark.parametrize("workers", [1, 7])
def test_every_trial_ends_and_none_that_is_not_finite_lives(
    form: SchedulerConfig, workers: int, objectives: int
) -> None:
    curves = of_one_or_two(objectives, Falling(), Opposed())
    ours = policy(form, curves)
    found = simulate(ours, curves, workers=workers)
    records = ours.search.records
    assert len(records) == 40 and all(record.ended for record in records)
    if form.name != "stopping":  # which may stop the last good one by bad luck: nothing waits that could be continued
        assert found.ended["completed"] >= 1
    for record in records:
        reached = max(record.reports, default=0)
        if record.state == "completed":
            assert reached == 27
        if form.name == "population" and record.state == "diverged":
            assert record.runs_to == 27, "before the last generation it would have been replaced"
        elif form.name != "none" and record.state == "diverged":
            assert reached <= record.values["breaks"] * 27 < reached + 9, (
                "ended at the first report that was not finite"
            )
    if form.name != "population":  # where one that was lost early goes on from what another one has trained
        assert sum(max(record.reports, default=0) for record in records) <= found.updates


@every_form
@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "cmaes"])
def test_a_constant_goal_ends_every_trial_and_completes_one(form: SchedulerConfig, sampler: str) -> None:
    curves = Flat(may_break=False)
    ours = policy(form, curves, trials=12, sampler=sampler)
    found = simulate(ours, curves, workers=2)
    assert sum(found.ended.values()) == 12 and found.ended["completed"] >= 1
    assert set(found.ended) <= {"completed", "pruned"}
    best = ours.search.arms[0].best()
    assert best is not None and best.objectives == (0.5,)


@every_form
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_goal_that_is_never_finite_completes_nothing(form: SchedulerConfig, value: float) -> None:
    """-inf would be the best of all."""
    curves = Flat(may_break=False, value=value)
    ours = policy(form, curves, trials=6)
    found = simulate(ours, curves, workers=2)
    assert found.ended == {"diverged": 6}
    assert ours.search.arms[0].best() is None


@every_form
def test_the_best_is_found_where_early_ranks_are_right(form: SchedulerConfig) -> None:
    """Curves that never cross and never break: the trial with the lowest floor completes, whatever the scheduler. In a
    population floors change, and what the best began with is never replaced."""
    curves = Falling(may_break=False)
    ours = policy(form, curves)
    simulate(ours, curves, workers=1)
    best = ours.search.arms[0].best()
    assert best is not None
    assert best.values["floor"] == min(record.values["floor"] for record in ours.search.records)


def test_halving_spends_what_the_rungs_say() -> None:
    """27 trials, eta 3: 27 reach rung 1, 9 rung 3, 3 rung 9, 1 the end, each continued from where it stood."""
    curves = Falling(may_break=False)
    ours = policy(SchedulerConfig("halving"), curves, trials=27, report_every=0)
    found = simulate(ours, curves, workers=1)
    reached = Counter(max(record.reports) for record in ours.search.records)
    # Asynchronous: a trial may be promoted before a better one arrives, so there can be more, never fewer.
    assert reached[27] >= 1 and reached[27] + reached[9] >= 3 and reached[27] + reached[9] + reached[3] >= 9
    assert found.updates == sum(max(record.reports) for record in ours.search.records), "nothing was trained twice"
    assert found.ended == {"completed": reached[27], "pruned": 27 - reached[27]}


def test_the_window_judges_by_the_median_of_the_last_reports() -> None:
    scheduler = SchedulerConfig("halving", rungs=1, window=3).build(updates=9, trials=9)
    for step, loss in ((1, 9.0), (2, 1.0), (3, 2.0)):
        assert scheduler.report(0, step, (loss,)) == "go"
    scheduler.pause(0, 3, promoted=False)
    for index, loss in ((1, 2.5), (2, 1.5)):
        scheduler.report(index, 3, (loss,))
        scheduler.pause(index, 3, promoted=False)
    # Trial 0 counts as 2, the median of 9, 1 and 2, so trial 2 is the best third of three.
    assert scheduler.promote() == (2, 9)
    assert scheduler.promote() is None
    assert scheduler.rescue() == (0, 9)


@every_form
@settings(max_examples=12, deadline=None)
@given(
    moments=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    seed=st.integers(0, 99),
    objectives=st.sampled_from([1, 2]),
)
def test_a_crash_at_any_moment_changes_no_promotion(
    form: SchedulerConfig, moments: list[int], seed: int, objectives: int
) -> None:
    """One worker, killed after some number of events, again and again: every search is rebuilt from the storage alone,
    the trial that was running starts again from its last report, and the records end as if nothing had happened."""
    curves = of_one_or_two(
        1 if form.name == "population" else objectives,
        SyntheticCurves(seed=seed, updates=27),
        SyntheticCurves(seed=seed + 100, updates=27),
    )
    whole = policy(form, curves, seed=seed, trials=15)
    simulate(whole, curves, workers=1)

    storage, waits = InMemoryStorage(), itertools.chain(moments, itertools.repeat(10**6))
    while True:
        ours = policy(form, curves, storage, seed=seed, trials=15)
        if _run_some(ours, curves, next(waits)):
            break
    told = [(r.values, r.state, r.reports) for r in ours.search.records]
    assert told == [(r.values, r.state, r.reports) for r in whole.search.records]
    assert ours.search.arms[0].members(3) == whole.search.arms[0].members(3)


def _run_some(ours: SearchPolicy, curves: Any, events: int) -> bool:
    """Drive one worker for so many reports; whether the search came to its end."""
    left = [ours.job(record) for record in ours.search.interrupted()]
    while True:
        job = left.pop() if left else ours.next()
        if job is None:
            return True
        for step in [at for at in ours.report_at if job.start < at <= job.end]:
            if events == 0:
                return False
            events -= 1
            if ours.report(job, step, loss_of(curves, job, step)):
                break
        else:
            ours.finished(job)


def test_thousands_of_trials_on_hundreds_of_workers() -> None:
    curves = SyntheticCurves()
    ours = policy(SchedulerConfig("halving"), curves, trials=4_000, report_every=0)
    found = simulate(ours, curves, workers=200)
    assert sum(found.ended.values()) == 4_000
    assert found.updates < 0.15 * 4_000 * 81, "a fraction of training all of them"
    assert found.efficiency(200) > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "asha"}, r"no scheduler 'asha'.*none\|median\|halving\|stopping\|population"),
        ({"generations": 1}, "--generations must be at least 2: got 1"),
        ({"eta": 1}, "--eta must be at least 2: got 1"),
        ({"brackets": 0}, "--brackets must be at least 1"),
        ({"rungs": 0}, "--rungs must be at least 1"),
    ],
)
def test_a_scheduler_that_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SchedulerConfig(**options)


def test_more_brackets_than_rungs_are_refused() -> None:
    with pytest.raises(UserError, match="--brackets 4 needs 3 rungs.*have 2"):
        SchedulerConfig("halving", brackets=4).build(updates=81, trials=9)


def test_names_are_listed_once() -> None:
    assert {form.name for form in FORMS} == set(get_args(SchedulerName))
