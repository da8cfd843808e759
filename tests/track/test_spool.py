from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gibbsweep.errors import UserError
from gibbsweep.track import read_spool


def line(step: int, **metrics: float | str) -> str:
    return json.dumps({"step": step, "time": 10.0 + step, "metrics": metrics}) + "\n"


def test_reading_in_two_parts_equals_reading_at_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=0.5) + line(2, loss=0.25))
    first, offset = read_spool(path, 0)
    with path.open("a") as file:
        file.write(line(3, loss=0.125))
    second, end = read_spool(path, offset)
    assert first + second == read_spool(path, 0)[0]
    assert [record.step for record in first + second] == [1, 2, 3]
    assert end == path.stat().st_size
    assert read_spool(path, end) == ([], end)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_torn_last_line_is_left_until_it_is_whole(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "metrics.jsonl"
    whole, last = line(1, loss=0.5), line(2, loss=0.25)
    path.write_text(whole + last[:-cut])
    records, offset = read_spool(path, 0)
    assert [record.step for record in records] == [1]
    assert offset == len(whole)
    path.write_text(whole + last)
    assert [record.step for record in read_spool(path, offset)[0]] == [2]


def test_non_finite_values(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, a="NaN", b="Infinity", c="-Infinity"))
    metrics = read_spool(path, 0)[0][0].metrics
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"]) == (math.inf, -math.inf)


@pytest.mark.parametrize(
    "corrupt",
    ['{"step": 2, "ti\n', "[1, 2]\n", '{"step": 2}\n', line(2, loss="low"), '{"step":1,"time":1,"metrics":[]}\n'],
)
def test_corrupt_line_names_file_and_line(tmp_path: Path, corrupt: str) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(line(1, loss=0.5) + corrupt + line(3, loss=0.5))
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2 "):
        read_spool(path, 0)
    with pytest.raises(UserError, match=r"metrics\.jsonl, line 2 "):
        read_spool(path, len(line(1, loss=0.5)))
