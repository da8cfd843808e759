"""The best that a person watches is the one that would be retrained: what satisfies the constraints first, and it says
so where none does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.tiny import study
from tests.tune.plans import new_plan, resumed_plan
from tests.tune.two_goals import BITS, FREE, GAP

from gibbsweep.study import Constraint, Study
from gibbsweep.train import Outcome
from gibbsweep.tune.folder.clock import SweepClock
from gibbsweep.tune.folder.driver import StopRequest
from gibbsweep.tune.plan.outline import outline, write_outline
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.resources.gate import Gate
from gibbsweep.tune.search.front import front_of
from gibbsweep.tune.status.from_folder import overview_from_folder
from gibbsweep.tune.status.lines import contender_lines
from gibbsweep.tune.status.live import Progress
from gibbsweep.tune.status.overview import ContenderOverview, Overview, overview_of

FAST = Constraint("validation/seconds", "<=", 1.0)
ONE = study(contenders={"rbm": FREE}, constraints=(FAST,))
TWO = study(contenders={"rbm": FREE}, constraints=(FAST,), goal=(BITS, GAP))


def seen(plan: Plan) -> ContenderOverview:
    """By the driver, and the same by who reads the folder."""
    records = {search.contender.name: search.records for search in plan.searches()}
    (contender,) = overview_of(outline(plan), records, plan.outcomes, {}, plan.running).contenders
    write_outline(plan.sweep, outline(plan))
    (there,) = overview_from_folder(plan.sweep).overview.contenders
    assert (there.bests, there.front) == (contender.bests, contender.front)
    return contender


def end(plan: Plan, **metrics: float) -> str:
    """The next trial, with these validation metrics at its end."""
    planned = plan.next()
    assert planned is not None
    outcome = Outcome("completed", 20, {f"validation/{name}": value for name, value in metrics.items()})
    plan.report(planned.name, 20, outcome.metrics)
    outcome.write(plan.sweep.trial(planned.name))
    plan.close(planned.name, outcome)
    return planned.name


def test_the_best_satisfies_all_or_comes_closest_and_then_says_so(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, ONE, trials=8)
    points = [(5.0, None), (1.0, 4.0), (2.0, 4.0), (0.0, 3.0), (-9.0, 0.5), (3.0, 1.5), (-8.0, 1.0)]
    expected = [0, 1, 2, 3, 4, 4, 6]
    for (likelihood, seconds), number in zip(points, expected, strict=True):
        end(plan, log_likelihood=likelihood, **({} if seconds is None else {"seconds": seconds}))
        contender, record = seen(plan), plan.arms()[0].best()
        assert record is not None and record.number == number, "as it is retrained"
        assert contender.best is not None and contender.best.run == f"rbm-{number:04d}"
        assert contender.best.violated == (() if number >= 4 else ("validation/seconds <= 1",))
        for width in (80, 160):
            text = "\n".join(line.plain for line in contender_lines(_whole(plan), width=width))
            assert ("violates seconds <= 1" in text) == (number < 4)
        folded = contender_lines(Overview((contender, contender)), width=80, height=3)[0].plain
        assert f"best {contender.best.value:.4g}" in folded and ("violates" in folded) == (number < 4)
    assert seen(resumed_plan(tmp_path, ONE)).bests == seen(plan).bests


def _whole(plan: Plan) -> Overview:
    return overview_of(outline(plan), {"rbm": plan.search_of("rbm").records}, plan.outcomes, {}, plan.running)


def test_before_any_has_completed_those_that_came_furthest_are_ranked_so(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, ONE, trials=8)
    runs = [planned.name for planned in (plan.next() for _ in range(4)) if planned is not None]
    reports = [(3.0, 2.0), (1.0, 0.5), (2.0, 0.9), (9.0, 0.1)]
    for step in (5, 10):
        for run, (likelihood, seconds) in zip(runs[: 4 if step == 5 else 3], reports, strict=False):
            plan.report(run, step, {BITS.metric: likelihood, FAST.metric: seconds})
        best = seen(plan).best
        assert best is not None and best.step == step and best.violated == ()
        assert best.run == (runs[3] if step == 5 else runs[2])
    assert plan.report(runs[0], 15, {BITS.metric: 3.0, FAST.metric: 2.0}) is False
    best = seen(plan).best
    assert best is not None and (best.run, best.violated) == (runs[0], (str(FAST),))


def test_of_several_goals_each_best_and_the_front_are_of_those_that_satisfy(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, TWO, trials=8)
    goals = (BITS, GAP)
    points = [(9.0, 0.1, 2.0), (8.0, 0.2, 2.0), (9.0, 0.0, 1.5), (1.0, 5.0, 0.5), (0.0, 4.0, 0.5), (-1.0, 6.0, 0.5)]
    fronts = [[0], [0], [2], [3], [3, 4], [3, 4]]
    for (likelihood, gap, seconds), front in zip(points, fronts, strict=True):
        end(plan, log_likelihood=likelihood, energy_gap=gap, seconds=seconds)
        contender, records = seen(plan), plan.search_of("rbm").records
        assert [record.number for record in front_of(records, goals)] == front, "as they are retrained"
        assert [best.run for best in contender.bests] == [f"rbm-{number:04d}" for number in front]
        assert contender.front == len(front)
        assert {best.violated for best in contender.bests} == ({(str(FAST),)} if front[0] < 3 else {()})


@pytest.mark.parametrize(("the_study", "said"), [(ONE, True), (study(contenders={"rbm": FREE}), False)])
def test_a_line_of_an_ended_run_says_what_it_violates(tmp_path: Path, the_study: Study, said: bool) -> None:
    plan, out = new_plan(tmp_path, the_study, trials=4), io.StringIO()
    console = Console(file=out, force_terminal=False, width=80)
    stop = StopRequest(plan.sweep)
    with stop, Progress(Gate(plan, stop), console, SweepClock(plan.sweep, 0.0)) as progress:
        for seconds in (3.0, 0.5):
            end(plan, log_likelihood=1.0, seconds=seconds)
            progress.changed()
    first, second = out.getvalue().splitlines()
    assert ("violates seconds <= 1" in first) == said
    assert "violates" not in second and "validation/log_likelihood 1" in second
