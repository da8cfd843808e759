"""Sentences that are read off a table, and the arithmetic behind them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gibbsweep.results.findings import (
    Findings,
    InteriorOptimum,
    PublishedOrder,
    Stability,
    Unbeaten,
    difference,
    importance_shares,
    importances,
    two_errors,
)
from gibbsweep.results.pareto import front
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.series import series_of
from gibbsweep.results.statistic import Statistic


def row(name: str, compared: dict[str, object] | None = None, n: int = 4, sd: float = 0.1, **metrics: float) -> Row:
    statistics = {key: Statistic(value, sd, n) for key, value in metrics.items()}
    return Row(name, "score", {}, statistics, [1], 1, 1.0, {"completed": n}, compared or {}, trials=6)


def table(*rows: Row, **changes: object) -> Results:
    return replace(Results("s", "Why?", "digits", "laptop", "cpu", "c", {}, list(rows)), **changes)  # type: ignore[arg-type]


def test_the_front_is_what_no_row_beats_in_both() -> None:
    rows = [row("a", x=1, y=3), row("b", x=2, y=1), row("c", x=2, y=2), row("d", x=3, y=1), row("e", x=0)]
    assert [r.contender for r in front(rows, "x", "y")] == ["a", "b"]
    twins = [row("one", x=1, y=1), row("two", x=1, y=1)]
    assert len(front(twins, "x", "y")) == 2
    assert Unbeaten("x", "y")(table(*rows)) == ["No row beats these in both: a, b."]
    assert Unbeaten("x", "z")(table(*rows)) == []


def test_a_difference_is_clear_beyond_two_standard_errors() -> None:
    a, b = Statistic(3.0, 0.3, 4), Statistic(2.0, 0.4, 4)
    assert difference(a, b).noise == pytest.approx(2 * math.sqrt(0.09 / 4 + 0.16 / 4)) == pytest.approx(0.5)
    assert str(difference(a, b)) == "+1.0 (± 0.5, two standard errors)"
    close = Statistic(2.4, 0.3, 4)
    assert not difference(close, b).clear
    assert str(difference(close, b)).endswith(", which seeds cannot tell from nothing")
    assert two_errors(b) == pytest.approx(0.4)
    single = difference(Statistic(1.0, 0.0, 1), Statistic(2.5, 0.1, 3))
    assert not single.clear and single.noise is None and str(single) == "-1.5 (1 seed)"


def test_rows_make_series_of_the_number_that_alone_differs() -> None:
    rows = [
        row("rbm", {"k": 10, "learning_rate": 0.3}),
        row("rbm", {"k": 1, "learning_rate": 0.3}),
        row("rbm", {"k": 1, "learning_rate": 0.1}),
        row("conv", {"cd.n_steps": 1, "cd.learning_rate": 1e-4}),
        row("nothing compared"),
    ]
    series = series_of(rows, x=1, names={"cd.n_steps": "k"})
    assert [each.label for each in series] == ["rbm, k = 10", "rbm, k = 1", "conv, k = 1"]
    assert [[each.number(r) for r in each.rows] for each in series] == [[0.3], [0.1, 0.3], [1e-4]]
    assert series_of(rows, x=0)[0].label == "rbm, learning_rate = 0.3"


def test_stability_says_which_runs_diverge_and_what_a_longer_chain_costs() -> None:
    rows = [
        row("rbm", {"k": 1, "rate": 0.1}, log_p=-90.0, drop=0.5),
        row("rbm", {"k": 1, "rate": 1.0}, log_p=-120.0, drop=25.0),
        replace(row("rbm", {"k": 10, "rate": 0.1}, log_p=-80.0), device_seconds=3.0),
        replace(row("rbm", {"k": 10, "rate": 1.0}), device_seconds=3.0, diverged_share=1 / 3),
    ]
    stability = Stability("log_p", "log-likelihood", "learning rate", "drop", lambda _: 1.0)
    best, falls = "best log-likelihood", "it falls from its peak by"
    peak = f"{best} -80.00 ± 0.10 at 0.1"
    assert stability(table(*rows)) == [
        f"rbm, k = 1: no run diverges; {best} -90.00 ± 0.10 at 0.1; {falls} 25.00 ± 0.10 at 1.",
        f"rbm, k = 10: runs diverge at a learning rate of 1 (33%); {peak}; {falls} no more than its error.",
        "rbm: an update with k = 10 costs 3.0 times one with k = 1.",
    ]
    # What only one of the two has run is not compared.
    assert "costs 3.0 times" in stability(table(*rows[:3]))[-1]


def guided(*distances: float, margin: float = 0.5, n: int = 4, sd: float = 0.1) -> Row:
    at = {f"fd_at_{scale}": value for scale, value in enumerate(distances)}
    recall = {f"recall_at_{scale}": 0.9 - 0.2 * scale for scale in range(len(distances))}
    return row("free", None, n, sd, **at, **recall, margin=margin)


@pytest.mark.parametrize(
    ("measured", "where"),
    [
        (guided(4, 2, 3), "least at 1 (2), in the interior, by 50%, more than two standard errors"),
        (guided(4, 2, 3, margin=0.05), "least at 1 (2), in the interior, by 5%, less than two standard errors"),
        (guided(4, 2, 3, n=1), "least at 1 (2), in the interior, by 50% and one seed, which says little"),
        (guided(2, 3, 4), "least at 0 (2), an end of the scales: no interior optimum"),
    ],
)
def test_an_interior_optimum_is_told_from_an_end(measured: Row, where: str) -> None:
    reading = InteriorOptimum("fd", "distance", "scale", (0, 1, 2), "margin", {"recall": ("recall", ".2f")}, "_at_{}")
    assert reading(table(measured, row("gan", fd=3))) == [
        f"free: the distance is {where}; from scale 0 to 2 the recall goes from 0.90 to 0.50."
    ]


def test_a_published_order_is_confirmed_or_contradicted_or_left_open() -> None:
    order = PublishedOrder("bits", "bits", "weight", "likelihood", "simple", "the paper's order")

    def say(likelihood: float, simple: float, n: int = 4) -> str:
        (sentence,) = order(
            table(
                row("net", {"weight": "likelihood"}, n, bits=likelihood),
                row("net", {"weight": "likelihood"}, n, bits=likelihood + 1),
                row("net", {"weight": "simple"}, n, bits=simple),
            )
        )
        return sentence

    assert (
        say(3, 4)
        == "likelihood against simple in bits, 3.00 ± 0.10 against 4.00 ± 0.10, agrees with the paper's order."
    )
    assert say(4, 3).endswith("contradicts the paper's order.")
    assert say(3, 3.01).endswith("agrees with the paper's order, within two standard errors of equal.")
    assert say(3, 4, n=1).endswith("agrees with the paper's order, by one seed, which says little.")
    assert order(table(row("net", {"weight": "simple"}, bits=3))) == []


def test_importances_are_summed_over_options_and_said_largest_first() -> None:
    shares = {"energy": {"form.name": 0.25, "form.name=conv cd.l2": 0.125, "form.name=mlp cd.l2": 0.25}}
    results = table(row("energy"), row("energy"), importances=shares)
    assert importance_shares(results) == {"cd.l2": 0.375, "form.name": 0.25}
    said = (
        "Variance of the goal over the completed ones of 12 trials: cd.l2 38%, form.name 25%; interactions and noise "
        "38%."
    )
    assert importances(results) == [said]
    assert importances(table(row("energy"))) == []
    assert Findings(importances, Unbeaten("x", "y"))(results) == [said]
