"""The spool: ``metrics.jsonl``, to which a run appends its reports, one JSON object a line, and which is never
rewritten.

A last line without its newline is still being written, or its writer was killed: readers do not count it, and the
next writer removes it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gibbsweep.errors import UserError
from gibbsweep.folder.numbers import json_metrics, parse_metrics
from gibbsweep.folder.whole import append_whole, cut_torn_line

_TAIL = 1 << 16  # a report is a line of some hundred bytes


@dataclass(frozen=True)
class SpoolRecord:
    """One report of a run."""

    step: int
    """Updates done."""
    time: float
    """Unix seconds."""
    metrics: dict[str, float]
    end: int
    """The byte offset just behind its line."""


class SpoolWriter:
    """Appends reports to the spool in ``path``, each whole or not at all, and none twice.

    A resumed run repeats the updates since its last checkpoint: a report of a step that is on record is left out. For
    example::

        writer = SpoolWriter(RunFolder(run_dir).spool)
        writer.append(100, {"train/cd/loss": 0.25})
        writer.close()
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = cut_torn_line(path) if path.exists() else b""
        self.last_step = int(json.loads(whole.splitlines()[-1])["step"]) if whole else -1
        """The updates of the last report; -1 before the first."""
        # Unbuffered: what a full disk refused must not be written later, behind our back.
        self._file: IO[bytes] = open(path, "ab", buffering=0)  # noqa: SIM115  open for the life of the writer

    def append(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append the report of ``metrics`` after ``step`` updates, with the time of now."""
        if step <= self.last_step:
            return
        record = {"step": step, "time": time.time(), "metrics": json_metrics(metrics)}
        append_whole(self._file.fileno(), json.dumps(record).encode() + b"\n")
        self.last_step = step

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_spool(path: Path, offset: int = 0) -> list[SpoolRecord]:
    """The whole reports of the spool in ``path`` from the byte ``offset`` on; none where there is no file.

    Raises UserError for a whole line that is no report, so that nothing is ever skipped.
    """
    return list(iter_spool(path, offset))


def iter_spool(path: Path, offset: int = 0) -> Iterator[SpoolRecord]:
    """The records of :func:`read_spool` one by one: those before a line that is no report come before it raises."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        end = offset
        for line in file:
            if not line.endswith(b"\n"):
                return
            start, end = end, end + len(line)
            yield _parse(line, path, start)


def sample_spool(path: Path, most: int) -> list[SpoolRecord]:
    """At most ``most`` whole reports of the spool in ``path`` from the first to the last, in order; none where there is
    no file. Half of them are evenly spread and half by rising distances, since curves bend where they begin. The others
    are not parsed.

    Raises UserError for one of these lines that is no report."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    last = len(lines) - 1
    if last < most:
        chosen = set(range(len(lines)))
    elif most < 4:
        chosen = {0, last} if most > 1 else {last}
    else:
        even, rising = most - most // 2, most // 2
        chosen = {round(i * last / (even - 1)) for i in range(even)}
        chosen |= {round(last ** (i / rising)) for i in range(rising)}
    records, start = [], 0
    for number, line in enumerate(lines):
        if number in chosen:
            records.append(_parse(line, path, start))
        start += len(line)
    return records


def last_record(path: Path) -> SpoolRecord | None:
    """The last whole report of the spool in ``path``; only its end is read. None where there is no report."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            read = _TAIL
            while True:
                start = max(0, size - read)
                file.seek(start)
                tail = file.read(size - start)
                end = tail.rfind(b"\n")
                before = tail.rfind(b"\n", 0, max(end, 0))
                if before >= 0 or start == 0:
                    break
                read *= 2  # one line fills what was read
    except FileNotFoundError:
        return None
    if end < 0:
        return None
    return _parse(tail[before + 1 : end + 1], path, start + before + 1)


def count_lines(path: Path, offset: int = 0) -> int:
    """The number of whole lines of the file ``path`` from the byte ``offset`` on; 0 where there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return sum(line.endswith(b"\n") for line in file)
    except FileNotFoundError:
        return 0


def _parse(line: bytes, path: Path, start: int) -> SpoolRecord:
    """The record in ``line``, which begins at the byte ``start`` of the spool in ``path``."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            raise TypeError(f"got {type(record).__name__}, expected an object")
        metrics = parse_metrics(record["metrics"])
        return SpoolRecord(int(record["step"]), float(record["time"]), metrics, start + len(line))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}, line {_line_number(path, start)} is not a metrics record ({error}): expected "
            '{"step": int, "time": seconds, "metrics": {name: number}}; mend or remove the line, and try again'
        ) from error


def _line_number(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return file.read(offset).count(b"\n") + 1
