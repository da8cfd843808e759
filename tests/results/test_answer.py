"""The answer of a table in a sentence: which row is best, by how much, at what cost, and what that rests on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gibbsweep.results.answer import digits_of
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic

GOAL = {"validation/x": "maximize"}


def row(
    name: str, mean: float, *, sd: float = 0.1, n: int = 4, seconds: float = 1.0, trials: int = 12, **more: Any
) -> Row:
    """A row whose mean is known to two standard errors of ``sd``, with four seeds."""
    contender, _, option = name.partition(" ")
    compared = {"k": int(option.removeprefix("k="))} if option else {}
    metrics = {"test/x": Statistic(mean, sd if n > 1 else 0.0, n)}
    return Row(contender, "energy", {}, metrics, [1], 10, seconds, {}, compared, trials, **more)


def table(*rows: Row, goals: dict[str, str] = GOAL, budget: str = "laptop") -> Results:
    return Results("s", "Why?", "digits", budget, "CPU", "c0ffee", {"test/x": "x"}, list(rows), goals=goals)


ONE, TEN, MANY = row("rbm k=1", 1.0), row("rbm k=10", 5.0, seconds=2.0), row("rbm k=25", 6.0, seconds=6.0)
NEAR = row("rbm k=30", 5.95, seconds=8.0)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            (ONE, TEN, MANY),
            "k=25 is best in x (6.00 ± 0.10): +1.00 over k=10, the next, at 3.0 times the device-seconds and +5.00",
        ),
        ((ONE, TEN, MANY), "and +5.00 over k=1 at 6.0 times the device-seconds; 12 trials a row, 4 seeds."),
        ((ONE, TEN), "k=10 is best in x (5.00 ± 0.10): +4.00 over k=1 at 2.0 times the device-seconds; 12 trials"),
        (
            (ONE, MANY, NEAR),
            "k=25 leads in x (6.00 ± 0.10): level with k=30 within two standard errors and +5.00 over k=1 at 6.0 times",
        ),
        (
            (MANY, NEAR),
            "Both rows are level in x: k=25 has 6.00 ± 0.10, and none is behind it by more than two standard errors;",
        ),
        (
            (row("a", 1.0, n=1), row("b", 2.0, n=1, trials=0, seconds=0.0)),
            "b is best in x (2.00): +1.00 over a; 12 trials a row, 1 seed, which cannot say how sure that is.",
        ),
        (
            (row("a", 1.0, trials=0), row("b", 2.0, trials=0, seconds=1.02)),
            "b is best in x (2.00 ± 0.10): +1.00 over a at equal device-seconds; 4 seeds, nothing searched.",
        ),
        ((ONE,), "k=1 reaches x 1.00 ± 0.10, and nothing is compared with it; 12 trials a row, 4 seeds."),
        ((row("a", float("nan")),), "No row has a number of x: none of its retrainings completed."),
        ((row("training_data", 9.0), ONE), "k=1 reaches x 1.00 ± 0.10, and nothing is compared"),
        ((row("a", 1.0, trials=3), row("b", 2.0)), "3 to 12 trials a row"),
    ],
    ids=lambda value: "" if isinstance(value, str) else "-".join(row.label for row in value).replace(" ", ""),
)
def test_the_sentence(rows: Sequence[Row], sentence: str) -> None:
    (said,) = table(*rows).answers()
    assert sentence in said


def test_less_can_be_better_and_names_what_it_is_under() -> None:
    (said,) = table(ONE, TEN, goals={"test/x": "minimize"}).answers()
    assert said.startswith("k=1 is best in x (1.00 ± 0.10): 4.00 under k=10 at 0.5 times the device-seconds")


def test_seconds_in_which_nothing_trains_are_not_compared() -> None:
    at_once = [dataclasses.replace(one, updates=1) for one in (ONE, TEN)]
    (said,) = table(*at_once).answers()
    assert said == "k=10 is best in x (5.00 ± 0.10): +4.00 over k=1; 12 trials a row, 4 seeds."
    (said,) = table(at_once[0], TEN).answers()
    assert "+4.00 over k=1 at 2.0 times the device-seconds" in said


def test_a_goal_that_the_test_split_lacks_is_that_of_the_validation_split() -> None:
    rows = [row("a", 1.0), row("b", 2.0)]
    for one in rows:
        one.metrics["validation/y_mean"] = one.metrics.pop("test/x")
    results = table(*rows, goals={"validation/y_mean": "maximize"})
    assert results.answers()[0].startswith("b is best in validation y mean")
    assert "on the validation split, which the search has seen" in results.to_markdown()


def test_several_goals_have_a_sentence_each_and_an_old_file_none() -> None:
    assert len(table(ONE, TEN, goals={"validation/x": "maximize", "test/x": "minimize"}).answers()) == 2
    results = table(ONE, TEN, goals={})
    assert results.answers() == []
    assert "**" not in results.to_markdown()


def test_the_page_says_the_answer_first_and_folds_what_few_read() -> None:
    results = table(ONE, TEN)
    page = results.to_markdown()
    assert page.index("Why?") < page.index("**k=10 is best") < page.index("| contender |")
    assert page.index("<summary>Best configurations</summary>") > page.index("| rbm k=10 |")
    assert page.count("<details>") == page.count("</details>") > 0
    assert "Repeat it" not in page
    smoke = table(ONE, TEN, budget="smoke").to_markdown()
    assert "A smoke budget shows that everything works: its numbers answer nothing." in smoke


def test_goals_and_command_are_in_the_file_and_on_the_page() -> None:
    results = Results(**{**vars(table(ONE)), "command": "python s.py --budget laptop", "sweep": "s-1"})
    assert Results.from_json(results.to_json()) == results
    assert "```sh\npython s.py --budget laptop\n```" in results.to_markdown()
    assert "goals" not in json.loads(table(ONE, goals={}).to_json())


@pytest.mark.parametrize(
    ("mean", "value", "text"),
    [(2000.0, 3.4, "+3"), (20.0, -3.456, "-3.46"), (0.5, 0.1234, "+0.123"), (1e-5, 2e-6, "+2.0e-06")],
)
def test_a_difference_has_the_digits_of_its_numbers(mean: float, value: float, text: str) -> None:
    assert digits_of(Statistic(mean, 0.0, 1), value) == text


def test_the_committed_pages_are_those_of_their_numbers() -> None:
    folder = Path(__file__).resolve().parents[2] / "analysis" / "results"
    checked = 0
    for path in folder.glob("*.json"):
        record = json.loads(path.read_text())
        if {"question", "rows", "columns"} <= set(record):
            assert Results.from_json(path.read_text()).to_markdown() == path.with_suffix(".md").read_text(), path
            named = [word for word in record.get("command", "").split() if word.startswith("/")]
            assert not named, f"{path.name} is repeated by a command with a path of one machine: {named}"
            checked += 1
    assert checked > 20
