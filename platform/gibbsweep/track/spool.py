"""Reading the spool: the append-only ``metrics.jsonl`` that a trial's process writes, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gibbsweep.errors import UserError

NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@dataclass(frozen=True)
class SpoolRecord:
    """One report of a trial. ``time`` is in unix seconds; ``end`` is the byte offset just behind its line."""

    step: int
    time: float
    metrics: dict[str, float]
    end: int


def read_spool(path: Path, offset: int = 0) -> tuple[list[SpoolRecord], int]:
    """The complete lines of a spool from a byte offset on, and the offset to go on from.

    A last line without its newline is still being written (or its writer was killed): it is left for the next call.
    A complete line that is not a record raises :class:`UserError`, so that nothing is ever skipped.
    """
    records = list(iter_spool(path, offset))
    return records, records[-1].end if records else offset


def iter_spool(path: Path, offset: int = 0) -> Iterator[SpoolRecord]:
    """The records of :func:`read_spool` one by one: those before a corrupt line are yielded before it raises."""
    with path.open("rb") as file:
        file.seek(offset)
        end = offset
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                record = _parse(line, end + len(line))
            except (ValueError, KeyError, TypeError) as error:
                number = _line_number(path, end)
                raise UserError(
                    f"{path}, line {number} is not a metrics record ({error}): expected "
                    '{"step": int, "time": seconds, "metrics": {name: number}}; mend or remove the line, '
                    "then run `gibbsweep track sync` again"
                ) from error
            end = record.end
            yield record


def metric_values(metrics: object) -> dict[str, float]:
    """Metrics as floats; ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` are how JSON carries the non-finite ones."""
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics is {metrics!r}, expected an object")
    return {name: _as_float(name, value) for name, value in metrics.items()}


def count_lines(path: Path, offset: int = 0) -> int:
    """Complete lines from a byte offset on."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        file.seek(offset)
        return sum(line.endswith(b"\n") for line in file)


def _parse(line: bytes, end: int) -> SpoolRecord:
    record = json.loads(line)
    if not isinstance(record, dict):
        raise TypeError(f"got {type(record).__name__}, expected an object")
    return SpoolRecord(int(record["step"]), float(record["time"]), metric_values(record["metrics"]), end)


def _as_float(name: str, value: object) -> float:
    if isinstance(value, str) and value in NON_FINITE:
        return NON_FINITE[value]
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"metric {name!r} is {value!r}, expected a number")


def _line_number(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return file.read(offset).count(b"\n") + 1
