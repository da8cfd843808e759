"""Rows side by side, and what they become as files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from tests.results.test_answer import MANY, NEAR, ONE, TEN, row, table

from gibbsweep.cli import main
from gibbsweep.errors import UserError
from gibbsweep.results.comparison import Entry, compare, differing, warnings
from gibbsweep.results.files import as_csv, as_latex, as_parquet, table_lines
from gibbsweep.results.results import Results


def entries(source: str, results: Results) -> list[Entry]:
    return [Entry(source, results, one) for one in results.rows]


def test_each_row_is_judged_against_the_first_by_two_standard_errors() -> None:
    found = compare(entries("a", table(TEN, MANY, NEAR, ONE, row("gone", float("nan")))))
    (group,) = found.groups
    assert [(one.entry.row.label, one.verdict) for one in group] == [
        ("rbm k=10", ""), ("rbm k=25", "yes"), ("rbm k=30", "yes"), ("rbm k=1", "no"), ("gone", "not measured"),
    ]  # fmt: skip
    (group,) = compare(entries("a", table(MANY, NEAR))).groups
    assert group[1].verdict == "level"
    less = compare(entries("a", table(TEN, MANY, ONE, goals={"validation/x": "minimize"})))
    assert [one.verdict for one in less.groups[0]] == ["", "no", "yes"]
    unknown = compare(entries("a", table(TEN, MANY, ONE, goals={})))
    assert [one.verdict for one in unknown.groups[0]] == ["", "higher", "lower"]
    single = compare(entries("a", table(row("a", 1.0, n=1), row("b", 2.0, n=1))))
    assert single.groups[0][1].verdict == "yes (1 seed)"


def test_rows_of_one_label_are_compared_across_sweeps() -> None:
    first, second = table(ONE, TEN), table(row("rbm k=1", 3.0), row("rbm k=10", 5.02), MANY)
    found = compare([*entries("a", first), *entries("b", second)])
    assert [[(one.entry.source, one.verdict) for one in group] for group in found.groups] == [
        [("a", ""), ("b", "yes")],
        [("a", ""), ("b", "level")],
        [("b", "")],
    ]
    (group,) = compare([entries("a", first)[0], entries("b", second)[2]], whole=False).groups
    assert [one.entry.row.label for one in group] == ["rbm k=1", "rbm k=25"]


def test_what_has_no_number_in_common_is_not_compared() -> None:
    other = Results(
        "t", "?", "d", "laptop", "CPU", "c", {"test/y": "y"}, [row("a", 1.0)], goals={"validation/y": "maximize"}
    )
    other.rows[0].metrics["test/y"] = other.rows[0].metrics.pop("test/x")
    with pytest.raises(UserError, match="a, t have no goal and no column in common: compare sweeps of one study"):
        compare([*entries("a", table(ONE)), *entries("t", other)])
    with pytest.raises(UserError, match="have not all a number of test/z: name one of test/x with --metric"):
        compare(entries("a", table(ONE)), "test/z")


def test_other_data_and_budgets_are_warned_of() -> None:
    first, long = table(ONE), table(ONE, budget="long")
    assert warnings([*entries("a", first), *entries("b", first)]) == []
    (warning,) = warnings([*entries("a", first), *entries("b", long)])
    assert warning.startswith("the budgets differ (a laptop, b long)")
    (warning,) = warnings([*entries("a", first), *entries("b", replace(first, data="mnist"))])
    assert "numbers on other data do not compare" in warning


def test_configurations_differ_by_path() -> None:
    one, two = (replace(ONE, best_config={"k": 1, "rate": rate, "same": 0}) for rate in (0.1, 0.2))
    found = compare([*entries("a", table(one)), *entries("b", table(two))])
    assert differing(found) == [("rate", [("a", 0.1), ("b", 0.2)])]
    rows = table(one, replace(TEN, best_config={"k": 10, "rate": 0.3, "same": 0}))
    assert differing(compare(entries("a", rows))) == [("rate", [("k=1", 0.1), ("k=10", 0.3)])]


def test_a_terminal_of_eighty_columns_shows_it_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name, results in (("one", table(ONE, TEN)), ("two", table(row("rbm k=1", 3.0), TEN, budget="long"))):
        (tmp_path / f"{name}.json").write_text(results.to_json())
    main(["compare", str(tmp_path / "one.json"), str(tmp_path / "two.json")])
    text = capsys.readouterr().out
    assert "+2.00 ± 0.14" in text and "better?" in text and "budget: one laptop; two long" in text
    assert all(len(line) <= 80 for line in text.splitlines()[:6])
    main(["compare", f"{tmp_path}/one.json:k=1", f"{tmp_path}/two.json:rbm k=1"])
    assert "yes" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["compare", f"{tmp_path}/one.json:k=7"])
    assert "one has no row 'k=7': name one of 'rbm k=1', 'rbm k=10'" in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(SystemExit):
        main(["compare"])
    assert "nothing to compare was named" in capsys.readouterr().err


def test_a_table_as_csv_and_parquet_has_every_number() -> None:
    import pyarrow.parquet as pq

    results = table(replace(ONE, best_config={"k": 1, "widths": (8, 16)}), TEN)
    lines = table_lines(results)
    first, second = csv.DictReader(io.StringIO(as_csv(lines)))
    assert (first["row"], float(first["test/x"]), float(first["test/x sd"]), int(first["test/x n"])) == (
        "rbm k=1",
        1,
        0.1,
        4,
    )
    assert (first["config.widths"], second["config.widths"], first["trials"]) == ("(8, 16)", "", "12")
    read = pq.read_table(io.BytesIO(as_parquet(lines))).to_pylist()
    assert [line["test/x"] for line in read] == [1.0, 5.0]
    assert read[1]["config.widths"] is None


def test_latex_is_a_booktabs_table_in_which_no_sign_is_special() -> None:
    results = table(row("a_b", 1.0, n=1), row("c", 2000.0, sd=3.0, trials=0))
    text = as_latex(replace(results, columns={"test/x": "x & 5%", "test/y": "y"}))
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    assert r"contender & x \& 5\% & y & $n$ & trials & seconds \\" in text
    assert r"a\_b & $1.00$ & -- & 1 & 12 & 1.0 \\" in text
    assert r"c & $2000 \pm 3$ & -- & 4 & -- & 1.0 \\" in text


def test_export_writes_one_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.json"
    path.write_text(table(ONE, TEN).to_json())
    main(["export", str(path), "--csv"])
    printed = capsys.readouterr().out
    main(["export", str(path), str(tmp_path / "new" / "t.csv"), "--csv"])
    assert (tmp_path / "new" / "t.csv").read_text() == printed
    main(["export", str(path), "--parquet", str(tmp_path / "t.parquet")])
    assert (tmp_path / "t.parquet").read_bytes()[:4] == b"PAR1"
    for words, sentence in (
        ([], "and none was given"),
        (["--csv", "--latex"], "--csv and --latex were given"),
        (["--parquet"], "Parquet is no text: name a file"),
        (["--latex", "--by-run"], "use --csv or --parquet"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["export", str(path), *words])
        assert ended.value.code == 2
        assert sentence in capsys.readouterr().err.replace("\n", " ")
