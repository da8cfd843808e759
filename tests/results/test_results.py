"""Tables say what the runs said."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from tests.results.pretended import results

from gibbsweep.results.accounting import Accounting
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.study import Target
from gibbsweep.train import Outcome, Restart


def test_a_row_is_the_mean_over_the_seeds_that_completed() -> None:
    row = results().rows[0]
    assert row.metrics["test/x"] == Statistic(2.5, statistics.stdev([1.0, 4.0]), 2)
    assert row.seeds == [1, 2, 3]
    assert row.outcomes == {"completed": 3, "pruned": 1, "diverged": 1, "failed": 1}
    assert row.diverged_share == pytest.approx(1 / 6)
    assert (row.updates, row.device_seconds, row.label, row.trials) == (100, 3.0, "rbm k=3", 3)


def test_views_are_averaged_before_seeds_and_told_apart() -> None:
    retrained = {
        ("a", 1): Outcome("completed", 1, {"test/x": 1.0}),
        ("b", 1): Outcome("completed", 1, {"test/x": 3.0}),
        ("a", 2): Outcome("completed", 1, {"test/x": 5.0}),
        ("b", 2): Outcome("completed", 1, {"test/x": 7.0}),
    }
    row = Row.of("rbm", "energy", {}, {}, [], retrained)
    assert row.metrics["test/x"] == Statistic(4.0, statistics.stdev([2.0, 6.0]), 2)
    assert row.metrics["test/x@a"] == Statistic(3.0, statistics.stdev([1.0, 5.0]), 2)
    assert row.metrics["test/x@b"] == Statistic(5.0, statistics.stdev([3.0, 7.0]), 2)
    assert row.seeds == [1, 2]


def test_json_round_trip_and_required_keys(tmp_path: Path) -> None:
    before = results()
    before.write(tmp_path)
    assert Results.from_json((tmp_path / "s.json").read_text()) == before
    text = (tmp_path / "s.json").read_text()
    for key in ("study", "question", "budget", "device", "commit", "contender", "kind", "best_config", "metrics",
                "mean", "sd", "n", "seeds", "updates", "device_seconds", "outcomes"):  # fmt: skip
        assert f'"{key}"' in text


def test_markdown_has_a_row_each_and_a_dash_for_what_is_missing(tmp_path: Path) -> None:
    text = results().to_markdown()
    assert "| rbm k=3 | 2.50 ± 2.12 | 3 | 17% | 100 | 3.0 |" in text
    assert "| gan | – | 1 | 100% | 0 | 0.0 |" in text
    assert "learning_rate=0.0123" in text


def test_stability_is_the_share_of_seeds_that_completed_without_a_restart() -> None:
    restart = Restart(7, "fit", "diverged", resumed_at=5, values={"learning_rate": 0.1}, lost_seconds=1.5)
    retrained = {
        ("digits", 1): Outcome("completed", 100, {"test/x": 1.0, "stability": 1.0}, 2.0, samples=1000, nfe=40),
        ("digits", 2): Outcome(
            "completed", 100, {"test/x": 3.0, "stability": 0.07}, 4.0, samples=1020, restarts=(restart,)
        ),
        ("digits", 3): Outcome("diverged", 17, {"stability": 0.17}, 1.0),
        ("digits", 4): Outcome("completed", 100, {"test/x": 2.0, "stability": 1.0}, 3.0, samples=1000, nfe=42),
    }
    row = Row.of("rbm", "energy", {}, {}, [], retrained)
    assert row.metrics["stability"] == Statistic(0.5, statistics.stdev([1, 0, 0, 1]), 4)
    assert row.metrics["test/x"].n == 3
    assert (row.restarts, row.samples, row.nfe) == (1, pytest.approx(3020 / 3), 41.0)
    table = Results("s", "Why?", "digits", "smoke", "CPU", "c0ffee", {"stability": "stability"}, [row])
    assert "| rbm | 0.500 ± 0.577 | – | 25% | 1 | 100 | 3.0 |" in table.to_markdown()
    assert "| contender | stability | trials | diverged | restarts | updates | seconds |" in table.to_markdown()
    (verdict,) = [Target("more than half survive", "stability", ">", ("rbm",), 0.4).judge([row])]
    assert verdict is not None
    assert verdict.answer == "level", "two standard errors are .58"
    assert Results.from_json(table.to_json()) == table


def test_views_have_a_stability_each() -> None:
    retrained = {(view, seed): Outcome("completed", 1) for view in "ab" for seed in (1, 2)}
    retrained["b", 2] = Outcome("diverged", 1)
    row = Row.of("rbm", "energy", {}, {}, [], retrained)
    assert row.metrics["stability"] == Statistic(0.75, statistics.stdev([1.0, 0.5]), 2)
    assert row.metrics["stability@b"].mean == 0.5


def test_a_table_without_restarts_has_no_column_for_them() -> None:
    assert "restarts" not in results().to_markdown()


def test_device_seconds_are_told_apart_by_what_became_of_them() -> None:
    restart = Restart(7, "fit", "diverged", resumed_at=5, lost_seconds=1.5)
    outcomes = [
        Outcome("completed", 10, {}, 8.0),
        Outcome("completed", 10, {}, 4.0, restarts=(restart,)),
        Outcome("diverged", 3, {}, 2.0, restarts=(restart,)),
        Outcome("pruned", 5, {}, 1.0),
    ]
    spent = Accounting.of(outcomes, devices=2, available=40.0)
    assert (spent.useful, spent.restarted, spent.diverged, spent.pruned, spent.failed) == (10.5, 3.0, 0.5, 1.0, 0.0)
    assert spent.efficiency == 10.5 / 40.0
    line = (
        "Efficiency 26%: 10.5 of 40.0 device-seconds (2 devices) in updates that count, restarted 3.0 s, "
        "diverged 0.5 s, pruned 1.0 s"
    )
    assert str(spent) == line
    table = replace(results(), accounting=spent)
    assert line in table.to_markdown()
    assert '"efficiency": 0.2625' in table.to_json()
    assert Results.from_json(table.to_json()) == table
    assert Accounting.of(outcomes).efficiency is None
    assert str(Accounting.of(outcomes[:1])) == "Device-seconds in updates that count: 8.0"


@pytest.mark.parametrize(
    ("statistic", "text"),
    [
        (Statistic(-142.561, 0.02, 3), "-142.56 ± 0.02"),
        (Statistic(0.12345, 0.001, 3), "0.123 ± 0.001"),
        (Statistic(-1.234e-5, 2.6e-6, 3), "-1.2e-05 ± 3e-06"),
        (Statistic(12345.6, 7.8, 2), "12346 ± 8"),
        (Statistic(2.0, 0.0, 1), "2.00"),
        (Statistic(math.nan, 0.0, 1), "nan"),
    ],
)
def test_numbers_are_short(statistic: Statistic, text: str) -> None:
    assert str(statistic) == text
