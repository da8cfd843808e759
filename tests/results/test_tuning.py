"""What a table says of how its rows were tuned: a column, sentences below it, and the spread of the search."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.results.pretended import results

from gibbsweep.results.results import Results
from gibbsweep.results.row import Row
from gibbsweep.results.statistic import Statistic
from gibbsweep.results.tuning import Tuning, tuning_sentences


def row(k: int, trials: int, tuning: Tuning | None) -> Row:
    metrics = {"test/x": Statistic(2.5, 0.5, 3), "validation/x": Statistic(2.25, 0.25, 3)}
    return Row("rbm", "energy", {}, metrics, [1], 1, 1.0, {}, {"k": k}, trials=trials, tuning=tuning)


GOOD = Tuning(to_the_end=9, spread={"validation/x": Statistic(1.5, 2.0, 9)})


def table(*rows: Row) -> Results:
    return replace(results(), rows=list(rows))


def test_each_kind_has_a_sentence_and_rows_without_a_search_have_none() -> None:
    few = replace(GOOD, to_the_end=2, few=True)
    edge = replace(GOOD, at_edge={"learning_rate": 0.20001, "depth": 3}, default=True)
    assert tuning_sentences([row(1, 9, GOOD), row(3, 0, None)]) == []
    assert tuning_sentences([row(1, 2, few), row(3, 1, few), row(5, 9, edge), row(7, 9, GOOD)]) == [
        "Not tuned, with fewer than 8 trials: rbm k=1 (2 trials); rbm k=3 (1 trial).",
        "Not tuned, as the best is what the search began with: rbm k=5.",
        "Best on the edge of its space, so that a wider one may be better: rbm k=5 learning_rate 0.2, depth 3.",
    ]
    untouched = Tuning(few=True)
    assert tuning_sentences([row(1, 0, untouched), row(3, 0, untouched), row(5, 0, None)]) == [
        "Not tuned, with fewer than 8 trials: every row that is searched (0 trials)."
    ]
    assert tuning_sentences([row(1, 0, untouched), row(3, 0, untouched)])[0].endswith(": every row (0 trials).")
    (many,) = tuning_sentences([row(k, k % 8, untouched) for k in range(10)])
    assert many.endswith("; rbm k=7 (7 trials); and 2 more.")


def test_the_column_tells_trials_from_those_that_trained_to_the_end() -> None:
    shown = table(row(1, 9, GOOD), row(3, 27, GOOD), row(5, 0, Tuning(few=True)), row(7, 0, None))
    for brief in (False, True):
        place = shown.header(brief=brief).index("trials")
        assert [cells[place] for cells in shown.cells(brief=brief)] == ["9", "27 (9)", "0", "–"]


def test_the_spread_of_the_search_stands_beside_that_of_the_seeds() -> None:
    shown = table(row(1, 9, GOOD), row(3, 0, None))
    text = shown.to_markdown()
    assert "| rbm k=1 | validation/x | 2.25 ± 0.25 | 1.50 ± 2.00 | 9 |" in text
    assert text.count("| validation/x |") == 1
    assert "over trials to the end" not in table(row(3, 0, None)).to_markdown()
    record = json.loads(shown.to_json())["rows"]
    assert record[0]["tuning"]["spread"]["validation/x"] == {"mean": 1.5, "sd": 2.0, "n": 9}
    assert record[0]["tuning"]["few"] is False and "tuning" not in record[1]
    assert Results.from_json(shown.to_json()) == shown


def test_a_table_of_an_earlier_version_is_read_as_it_was_judged() -> None:
    record = json.loads(table(row(1, 9, GOOD)).to_json())
    del record["rows"][0]["tuning"]
    record["verdicts"] = [{"claim": "x", "got": 1.0, "relation": ">", "bound": 0.9}]
    read = Results.from_json(json.dumps(record))
    assert read.rows[0].tuning is None and read.cells()[0][2] == "9"
    assert read.verdicts[0].answer == "yes"
