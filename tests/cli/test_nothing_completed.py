"""A sweep in which nothing completed says so, and its exit code does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.tiny import study

from gibbsweep.cli import run_study
from gibbsweep.folder import OUTCOME_KINDS
from gibbsweep.results.results import Results
from gibbsweep.results.row import Row


def results(*outcomes: dict[str, int]) -> Results:
    rows = [_row(counts) for counts in outcomes]
    return Results("tiny", "?", "digits", "smoke", "cpu", "unknown", {}, rows)


def _row(counts: dict[str, int]) -> Row:
    fields = dict.fromkeys(Row.__dataclass_fields__)
    fields |= {"outcomes": {**dict.fromkeys(OUTCOME_KINDS, 0), **counts}}
    return Row(**fields)  # type: ignore[arg-type]


def test_nothing_completed_is_neither_nothing_at_all_nor_something() -> None:
    assert not results().nothing_completed
    assert not results({}).nothing_completed
    assert not results({"failed": 3}, {"completed": 1}).nothing_completed
    assert results({"failed": 3}, {"diverged": 1}).nothing_completed


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_of_one_cpu")
def test_the_program_says_so_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--contenders", "raising", "--budget", "smoke", "--trials", "2", "--seeds", "1", "--runs", str(tmp_path)]
    with pytest.raises(SystemExit) as stopped:
        run_study(replace(study(), default=("raising",)), words)
    assert stopped.value.code == 1
    said = capsys.readouterr().out
    assert "nothing completed (" in said and " failed" in said and "the log in each run's folder" in said
