"""The virtual clock against closed forms, and curves of a real journal."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from tests.tune.falling import Falling, policy

from gibbsweep.cli.main import main
from gibbsweep.errors import UserError
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.schedulers.choice import SchedulerConfig
from gibbsweep.tune.simulation.curves import RecordedCurves, SyntheticCurves
from gibbsweep.tune.simulation.front_curves import FrontCurves
from gibbsweep.tune.simulation.simulate import SearchPolicy, simulate


class Constant(Falling):
    """Every update takes a second, every trial ends at the same loss."""

    def loss(self, values: Any, number: int, step: int) -> float:
        return 1.0

    def seconds(self, values: Any, number: int) -> float:
        return 1.0


@pytest.mark.parametrize(("trials", "workers", "waves"), [(12, 4, 3), (13, 4, 4), (3, 8, 1)])
def test_the_clock_is_that_of_a_queue(trials: int, workers: int, waves: int) -> None:
    """Equal trials on w workers take ceil(n / w) times one of them, start included."""
    curves = Constant(updates=10)
    found = simulate(policy(SchedulerConfig(), curves, trials=trials), curves, workers=workers, overhead=2.0)
    assert found.wall == pytest.approx(12.0 * waves)
    assert found.device_seconds == pytest.approx(10.0 * trials)
    assert found.updates == 10 * trials
    assert found.efficiency(workers) == pytest.approx(10 * trials / (12 * waves * workers))
    assert found.best == [(pytest.approx(5.0), 1.0)], "the first report is after 3 updates"
    assert found.time_to(1.0) == pytest.approx(5.0)
    assert found.time_to(0.5) == math.inf


def test_a_simulation_can_be_cut_short() -> None:
    curves = Constant(updates=10)
    found = simulate(policy(SchedulerConfig(), curves, trials=100), curves, workers=2, until=35.0)
    assert found.wall <= 35.0
    assert found.ended["completed"] == 6


def test_synthetic_curves_are_the_same_whoever_asks_and_cross() -> None:
    curves = SyntheticCurves(seed=1)
    recipe = vars(curves.config)
    assert curves.loss(recipe, 3, 9) == SyntheticCurves(seed=1).loss(recipe, 3, 9)
    quiet = SyntheticCurves(noise=0.0)
    best = 10 ** quiet.optimum[0] * (1.02 - recipe["momentum"])
    slow, fast = ({**recipe, "learning_rate": rate} for rate in (best, 25 * best))
    assert quiet.loss(fast, 0, 1) < quiet.loss(slow, 0, 1), "a large rate is ahead at first"
    assert quiet.loss(fast, 0, 81) > quiet.loss(slow, 0, 81), "and behind at the end"
    assert math.isnan(quiet.loss({**recipe, "learning_rate": 1.0, "momentum": 0.98}, 0, 81))


def test_recorded_curves_are_those_of_the_journal(tmp_path: Path) -> None:
    sweep = SweepDir(tmp_path / "runs" / "s")
    sweep.path.mkdir(parents=True)
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    made = SyntheticCurves()
    ours = SearchPolicy.of(
        made, trials=8, seed=0, sampler="random", scheduler=SchedulerConfig("median"), report_every=27, storage=storage
    )
    simulate(ours, made, workers=1)
    curves = RecordedCurves(sweep, "simulated")
    assert curves.updates == 81
    drawn = [record for record in ours.search.records if record.reports]
    for position, record in enumerate(drawn):
        for step, (value,) in record.reports.items():
            assert curves.loss({"trial": position}, 99, step) == value
        assert curves.loss({"trial": position}, 99, 53) == record.reports[27][0]
        if record.state == "diverged":
            assert math.isnan(curves.loss({"trial": position}, 99, 81))
    replayed = policy(SchedulerConfig("halving"), curves, trials=20)
    simulate(replayed, curves, workers=3)
    assert {record.values["trial"] for record in replayed.search.records} <= set(range(len(drawn)))
    with pytest.raises(UserError, match="no search of 'other'.*simulated"):
        RecordedCurves(sweep, "other")


def test_curves_of_two_goals_are_those_of_the_journal_too(tmp_path: Path) -> None:
    sweep = SweepDir(tmp_path / "runs" / "s")
    sweep.path.mkdir(parents=True)
    storage = JournalStorage(JournalFileBackend(str(sweep.journal)))
    made = FrontCurves([SyntheticCurves(), SyntheticCurves(seed=1)])
    ours = SearchPolicy.of(
        made, trials=9, seed=0, sampler="random", scheduler=SchedulerConfig("halving"), storage=storage
    )  # fmt: skip
    found = simulate(ours, made, workers=2)
    first, second = (RecordedCurves(sweep, "simulated", objective) for objective in (0, 1))
    assert first.objectives == second.objectives == 2
    drawn = [record for record in ours.search.records if record.reports]
    for position, record in enumerate(drawn):
        for step in record.reports:
            values = {"trial": position}
            assert (first.loss(values, 99, step), second.loss(values, 99, step)) == record.reports[step]
    assert first.range == (
        min(min(value for value, _ in record.reports.values()) for record in drawn),
        max(max(value for value, _ in record.reports.values()) for record in drawn),
    )
    assert all(0 <= missed < 1 for _, missed in found.best)
    missed = [missed for _, missed in found.best]
    assert missed[-1] <= missed[0], "a front grows, but for the noise of what was chosen"


def test_a_front_is_worth_the_box_that_it_dominates() -> None:
    curves = FrontCurves([Constant(), Constant()], [(0.0, 2.0), (0.0, 4.0)])
    assert curves.missed([(1.0, 1.0)]) == pytest.approx(1 - 0.5 * 0.75)
    assert curves.missed([(-1.0, 1.0), (1.0, -1.0)]) == pytest.approx(1 - (0.75 + 0.5 - 0.5 * 0.75))
    assert curves.missed([]) == 1.0


def test_the_command_prints_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    main(["simulate", "--trials", "20", "--seeds", "1", "--workers", "2", "--sampler", "qmc"])
    text = capsys.readouterr().out
    assert "qmc, halving" in text and "random, none" in text


@pytest.mark.parametrize("scheduler", ["none", "median", "stopping", "halving"])
def test_the_command_simulates_two_goals(scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--trials", "20", "--seeds", "1", "--objectives", "2", "--sampler", "tpe", "--scheduler", scheduler]
    main(["simulate", *words])
    assert f"tpe, {scheduler}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--workers", "0"], "--workers must be at least 1"),
        (["--sampler", "annealing"], "no sampler 'annealing'"),
        (["--scheduler", "asha"], "no scheduler 'asha'"),
        (["--objectives", "9"], "--objectives must be 1 to 4: got 9"),
        (["--objectives", "2", "--sampler", "cmaes"], "cmaes searches for one goal"),
        (["--curves", "nowhere"], "runs/NAME:CONTENDER: got 'nowhere'"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", *words])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_rows_that_are_equal_in_truth_end_closer_together_where_they_borrow(capsys: pytest.CaptureFixture[str]) -> None:
    """Over ten seeds of four rows, with as many trials: the worst row is nearer to the best one."""
    gaps = {True: 0.0, False: 0.0}
    for seed in range(10):
        curves = SyntheticCurves(seed=seed)
        for borrow in gaps:
            ours = policy(SchedulerConfig(), curves, trials=8, rows=4, borrow=borrow, seed=seed, report_every=0)
            found = simulate(ours, curves, workers=4)
            assert sum(found.ended.values()) == 4 * 8
            rows = ours.row_qualities()
            gaps[borrow] += max(rows) - min(rows)
    assert gaps[True] < 0.7 * gaps[False]
    main(["simulate", "--rows", "3", "--trials", "8", "--seeds", "2", "--scheduler", "none"])
    shown = capsys.readouterr().out.splitlines()
    assert "apart" in shown[0] and [line.split()[0] for line in shown[1:]] == ["tpe,", "alone", "random,"]
    with pytest.raises(SystemExit):
        main(["simulate", "--rows", "2", "--objectives", "2"])
