"""Schedulers over several goals: rungs by fronts, the extremes first."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
from tests.tune.falling import FORMS, Falling, Opposed, of_one_or_two, policy

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.simulation.simulate import simulate

of_several_goals = pytest.mark.parametrize(
    "form", [form for form in FORMS if form.name != "population"], ids=lambda form: form.name
)


def test_a_population_of_several_goals_is_refused() -> None:
    with pytest.raises(UserError, match="one goal, and there are 2: use halving"):
        SchedulerConfig("population").build(updates=27, trials=8, objectives=2)


@of_several_goals
def test_the_best_in_each_goal_is_found_where_early_ranks_are_right(form: SchedulerConfig) -> None:
    """Two goals that no trial is good at both of: the best in either completes, whatever the scheduler, and the front
    holds both."""
    curves = of_one_or_two(2, Falling(may_break=False), Opposed(may_break=False))
    ours = policy(form, curves)
    simulate(ours, curves, workers=1)
    floors = [record.values["floor"] for record in ours.search.records]
    first, second = ours.search.arms[0].members(2)
    assert (first.label, first.values["floor"]) == ("for loss", min(floors))
    assert (second.label, second.values["floor"]) == ("for loss_2", max(floors))


def test_halving_of_two_goals_spends_what_the_rungs_say() -> None:
    """27 trials, eta 3, all on one front: a third goes on, and at least the best in either."""
    curves = of_one_or_two(2, Falling(may_break=False), Opposed(may_break=False))
    ours = policy(SchedulerConfig("halving"), curves, trials=27, report_every=0)
    found = simulate(ours, curves, workers=1)
    reached = Counter(max(record.reports) for record in ours.search.records)
    at_least = {3: reached[3] + reached[9] + reached[27], 9: reached[9] + reached[27], 27: reached[27]}
    assert 9 <= at_least[3] <= 18 and 3 <= at_least[9] <= 12 and 2 <= at_least[27] <= 6
    assert found.updates == sum(max(record.reports) for record in ours.search.records), "nothing was trained twice"
    assert found.ended == {"completed": reached[27], "pruned": 27 - reached[27]}


def test_a_rung_of_two_goals_promotes_by_front_and_the_extremes_first() -> None:
    """Six at a rung, a third goes on: of the front of four the best in each goal; (3, 3) is dominated, and never
    promoted."""
    scheduler = SchedulerConfig("halving", rungs=1).build(updates=9, trials=9, objectives=2)
    points = ((1.0, 9.0), (2.0, 8.0), (9.0, 1.0), (3.0, 3.0), (2.5, 2.5), (8.0, 8.0))
    for order in itertools.permutations(range(6)):
        again = SchedulerConfig("halving", rungs=1).build(updates=9, trials=9, objectives=2)
        for index in order:
            assert again.report(index, 3, points[index]) == "go"
            again.pause(index, 3, promoted=False)
        assert [again.promote(), again.promote(), again.promote()] == [(0, 9), (2, 9), None]
        assert again.rescue() == (4, 9), "the middle of the gap"
    assert scheduler.report(0, 3, (1.0, math.inf)) == "diverge"


def test_the_median_of_two_goals_spares_whoever_is_on_the_first_front() -> None:
    scheduler = SchedulerConfig("median").build(updates=9, trials=9, objectives=2)
    for index, point in enumerate(((1.0, 4.0), (2.0, 3.0), (3.0, 2.0), (4.0, 1.0))):
        assert scheduler.report(index, 3, point) == "go"
        scheduler.close(index, completed=True)
    assert scheduler.report(4, 3, (9.0, 0.5)) == "go", "the best in one"
    assert scheduler.report(5, 3, (2.5, 2.9)) == "go", "beaten by none"
    assert scheduler.report(6, 3, (4.5, 4.5)) == "prune", "beaten by all"
