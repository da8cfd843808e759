"""The spool: whole lines are reports, a torn one is none yet, and a wrong one is refused by its number."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.folder import SpoolWriter, iter_spool, last_record, read_spool, spool
from gibbsweep.folder.spool import count_lines


def line(step: int, **metrics: float | str) -> str:
    return json.dumps({"step": step, "time": 10.0 + step, "metrics": metrics}) + "\n"


def test_reading_in_two_parts_equals_reading_at_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=0.5) + line(2, loss=0.25))
    first = read_spool(path)
    with path.open("a") as file:
        file.write(line(3, loss=0.125))
    second = read_spool(path, first[-1].end)
    assert first + second == read_spool(path)
    assert [record.step for record in first + second] == [1, 2, 3]
    assert second[-1].end == path.stat().st_size
    assert read_spool(path, second[-1].end) == []


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_torn_last_line_is_left_until_it_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "metrics.jsonl"
    whole, last = line(1, loss=0.5), line(2, loss=0.25)
    path.write_text(whole + last[:-cut])
    (record,) = read_spool(path)
    assert (record.step, record.end) == (1, len(whole))
    assert (last_record(path), count_lines(path)) == (record, 1)
    path.write_text(whole + last)
    assert [record.step for record in read_spool(path, record.end)] == [2]
    assert (last_record(path), count_lines(path)) == (read_spool(path)[-1], 2)


def test_where_there_is_no_spool_there_are_no_reports(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert (read_spool(path), last_record(path), count_lines(path)) == ([], None, 0)
    path.write_text('{"step": 1')
    assert (read_spool(path), last_record(path), count_lines(path)) == ([], None, 0)


def test_non_finite_values(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, a="NaN", b="Infinity", c="-Infinity"))
    metrics = read_spool(path)[0].metrics
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"]) == (math.inf, -math.inf)


@pytest.mark.parametrize(
    "corrupt",
    ['{"step": 2, "ti\n', "[1, 2]\n", '{"step": 2}\n', line(2, loss="low"), '{"step":1,"time":1,"metrics":[]}\n'],
)
def test_corrupt_line_names_file_and_line(tmp_path: Path, corrupt: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=0.5) + corrupt + line(3, loss=0.5))
    reports = iter_spool(path)
    assert next(reports).step == 1, "what comes before it is read"
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2 "):
        next(reports)
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2 "):
        read_spool(path, len(line(1, loss=0.5)))


@pytest.mark.parametrize("tail", [1, 30, 100, 10_000])
def test_the_last_report_is_found_from_the_end_however_little_is_read_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: int
) -> None:
    monkeypatch.setattr(spool, "_TAIL", tail)
    path = tmp_path / "metrics.jsonl"
    for reports in (1, 2, 5):
        path.write_text("".join(line(step, loss=0.5, other=step) for step in range(reports)) + '{"step": 9, "ti')
        assert last_record(path) == read_spool(path)[-1]


def test_a_writer_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "metrics.jsonl"
    writer = SpoolWriter(path)
    assert writer.last_step == -1
    writer.append(1, {"loss": math.nan})
    writer.append(2, {"loss": 0.5})
    writer.close()
    with path.open("a") as file:
        file.write('{"step": 3, "ti')
    writer = SpoolWriter(path)
    assert writer.last_step == 2
    writer.append(2, {"loss": 0.25})
    writer.append(4, {"loss": 0.125})
    writer.close()
    assert [(record.step, record.metrics["loss"]) for record in read_spool(path)][1:] == [(2, 0.5), (4, 0.125)]
