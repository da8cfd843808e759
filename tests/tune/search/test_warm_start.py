"""A warm start: what is taken, what is dropped and why, and that it is history and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from optuna.storages import InMemoryStorage
from tests.tiny import RBM, STUDY, study
from tests.tune.plans import LIKELIHOOD, finish, new_plan, outcome_of, run_all
from tests.tune.searches import search_for

from gibbsweep.cli.shell.parse import parse
from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Constraint, Contender, Float, Goal, Space, Study
from gibbsweep.tune.options.options import SweepOptions
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.samplers.sampler import SamplerName
from gibbsweep.tune.search import warm_start
from gibbsweep.tune.setup.create import create, reopen
from gibbsweep.tune.table.rows import rows_of


def earlier(runs: Path, **options: object) -> None:
    """A sweep "s" of eight trials."""
    run_all(new_plan(runs, **{"trials": 4, "seeds": 0, **options}))


def started(runs: Path, the_study: Study = STUDY, **options: object) -> Plan:
    given = {"name": "new", "from_sweep": "s", "seeds": 1, **options}
    sweep, settings = create(the_study, SweepOptions(runs=runs, **given), has_gpu=False)  # type: ignore[arg-type]
    return Plan(the_study, settings, sweep)


def taken(plan: Plan) -> warm_start.History:
    return warm_start.read(plan.sweep.warm_start)["rbm"]


def with_space(space: Space) -> Study:
    return study(contenders={"rbm": Contender(RBM, "energy", space, compare="k")})


def test_what_is_taken_is_history_and_nothing_else(tmp_path: Path) -> None:
    earlier(tmp_path)
    plan = started(tmp_path)
    assert (len(taken(plan).trials), taken(plan).dropped) == (8, {})
    assert str(taken(plan)) == "8 taken, 0 dropped"
    assert plan.total == 4 + 2 and not plan.outcomes and plan.search_of("rbm").records == []
    order = run_all(plan)
    assert [p.name for p in order if p.kind == "search"] == [f"rbm-000{i}" for i in range(4)]
    assert order[0].values["learning_rate"] == RBM.learning_rate
    rows = rows_of(plan)
    assert [row.trials for row in rows] == [2, 2]
    best = {row.compared["k"]: row.best_config for row in rows}
    own = [record.values for record in plan.search_of("rbm").records]
    assert all(best[k] in own for k in (1, 2))


def test_a_killed_sweep_asks_the_same_again_though_the_earlier_one_is_gone(tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        earlier(tmp_path / name)
    undisturbed = [p.values for p in run_all(started(tmp_path / "whole", trials=3))]
    plan = started(tmp_path / "killed", trials=3)
    shutil.rmtree(tmp_path / "killed" / "s")
    values = []
    while not plan.finished():
        sweep, settings = reopen(STUDY, SweepOptions(runs=tmp_path / "killed", resume="new", from_sweep="s"))
        plan = Plan(STUDY, settings, sweep)
        planned = plan.next()
        assert planned is not None
        values.append(planned.values)
        finish(plan, planned)
    assert values == undisturbed
    cold = [p.values for p in run_all(started(tmp_path / "whole", name="cold", from_sweep=None, trials=3))]
    assert cold[:2] == undisturbed[:2] and cold != undisturbed
    with pytest.raises(UserError, match="from_sweep = s, and --from other was given"):
        reopen(STUDY, SweepOptions(runs=tmp_path / "killed", resume="new", from_sweep="other"))


def test_trials_outside_the_space_are_dropped_and_counted(tmp_path: Path) -> None:
    """An option that is gone drops its trials; a path that is not searched any more, those with another value; a wider
    space none."""
    earlier(tmp_path)
    rate, centred = Float(0.01, 0.3, log=True), Choice(True, False)
    wider = started(tmp_path, with_space({"k": Choice(1, 2, 3), "learning_rate": Float(1e-3, 1.0), "centred": centred}))
    assert len(taken(wider).trials) == 8
    gone = started(tmp_path, with_space({"k": Choice(2), "learning_rate": rate, "centred": centred}), name="gone")
    assert (len(taken(gone).trials), taken(gone).dropped) == (4, {"k lies outside the space": 4})
    fixed = started(tmp_path, with_space({"k": Choice(1, 2), "learning_rate": rate}), name="fixed")
    same = sum(trial["values"].get("centred", RBM.centred) == RBM.centred for trial in taken(wider).trials)
    assert len(taken(fixed).trials) == same
    assert taken(fixed).dropped == {f"centred is {not RBM.centred} there and {RBM.centred} here": 8 - same}
    bigger = with_space({"k": Choice(1, 2), "learning_rate": rate, "centred": centred})
    bigger = study(contenders={"rbm": replace(bigger.contenders["rbm"], config=replace(RBM, n_hidden=7))})
    with pytest.raises(UserError, match="8 dropped .8: n_hidden is 6 there and 7 here"):
        started(tmp_path, bigger, name="bigger")
    assert not (tmp_path / "bigger").exists()


def test_values_compare_after_equal_numbers_of_updates_alone(tmp_path: Path) -> None:
    """Ten updates in the earlier sweep: nothing for the end of twenty, and all for a rung at ten."""
    earlier(tmp_path, budget="smoke")
    with pytest.raises(
        UserError, match="nothing of sweep 's' can be used: rbm 0 taken, 8 dropped .8: no value after 20 updates"
    ):
        started(tmp_path)
    plan = started(tmp_path, scheduler="halving", eta=2, rungs=1)
    assert plan.search_of("rbm").rungs == (10,)
    assert [list(trial["reports"]) for trial in taken(plan).trials] == [["10"]] * 8
    long = tmp_path / "long"
    plan = new_plan(long, trials=2, seeds=0)
    while (planned := plan.next()) is not None:
        plan.report(planned.name, 10, {LIKELIHOOD: -float(planned.number)})
        finish(plan, planned)
    shorter = started(long, budget="smoke")
    assert [trial["reports"] for trial in taken(shorter).trials] == [{"10": -float(n)} for n in range(4)]


def test_the_constraints_are_those_of_the_new_study(tmp_path: Path) -> None:
    plan = new_plan(tmp_path, trials=2, seeds=0)
    while (planned := plan.next()) is not None:
        outcome = outcome_of(planned)
        outcome.metrics["validation/seconds"] = 0.1 * planned.number
        finish(plan, planned, outcome)
    slow = started(tmp_path, study(constraints=(Constraint("validation/seconds", "<=", 0.15),)))
    found = [next(iter(trial["violations"]["20"].values())) for trial in taken(slow).trials]
    assert [violation > 0 for violation in found] == [False, False, True, True]


def test_what_cannot_be_is_refused_in_one_sentence(tmp_path: Path) -> None:
    earlier(tmp_path)
    with pytest.raises(UserError, match="--sampler qmc learns nothing"):
        started(tmp_path, sampler="qmc")
    (tmp_path / "single").mkdir()
    (tmp_path / "single" / "sweep.json").write_text('{"name": "single", "study": "tiny"}')  # of single runs
    for name in ("other", "single"):
        with pytest.raises(UserError, match=rf"no sweep {name!r} to start from.*holds s\."):
            started(tmp_path, from_sweep=name)
    with pytest.raises(UserError, match="no contender 'breaking' to start from: it has rbm"):
        started(tmp_path, contenders=("rbm", "breaking"))
    with pytest.raises(
        UserError, match="goal is validation/log_likelihood maximize there and validation/loss minimize here"
    ):
        started(tmp_path, study(goal=Goal("validation/loss", "minimize")))
    assert len(taken(started(tmp_path, from_sweep=str(tmp_path / "s"))).trials) == 8, "a path is as good as a name"


def test_a_sweep_that_was_killed_while_it_was_made_can_be_made_again(tmp_path: Path) -> None:
    earlier(tmp_path)
    started(tmp_path)
    (tmp_path / "new" / "sweep.json").unlink()  # it is written last
    again = started(tmp_path, from_sweep=None)
    cold = started(tmp_path, name="cold", from_sweep=None)
    assert [p.values for p in run_all(again)] == [p.values for p in run_all(cold)]


@dataclass(frozen=True)
class Config:
    x: float = 0.9
    y: float = 0.9


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
def test_a_model_starts_where_the_earlier_trials_were_good(sampler: SamplerName) -> None:
    """Twelve earlier trials on a grid, best at (.2, .3): the three that follow the recipe lie nearer than chance (a
    mean of .56)."""
    space: Space = {"x": Float(0, 1), "y": Float(0, 1)}

    def loss(values: dict[str, float]) -> float:
        return ((values["x"] - 0.2) ** 2 + (values["y"] - 0.3) ** 2) ** 0.5

    points = [{"x": x, "y": y} for x in (0.05, 0.2, 0.6, 0.95) for y in (0.0, 0.3, 0.8)]
    trials = [{"values": v, "reports": {"9": loss(v)}, "violations": {}} for v in points]
    records = warm_start.History(trials, {}).records(space, (9,))
    found = search_for(
        InMemoryStorage(), Contender(Config(), "baseline", space), Goal("loss", "minimize"), updates=9,  # type: ignore[arg-type]
        trials=8, seed=0, sampler=sampler, earlier=records,
    )  # fmt: skip
    asked = [found.ask().values for _ in range(4)]
    assert asked[0] == {"x": 0.9, "y": 0.9}
    assert sum(map(loss, asked[1:])) / 3 < 0.35


def test_the_command_line_says_from() -> None:
    assert parse(SweepOptions, ["--from", "s"], prog="x", description="").from_sweep == "s"
