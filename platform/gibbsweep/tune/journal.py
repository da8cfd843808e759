"""Optuna's journal of a sweep, with whole lines whatever happens to the disk or to the driver."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file

from gibbsweep.train.files import append_whole, cut_torn_line


class WholeLines(JournalFileBackend):
    """Writes all of an entry or nothing: Optuna's own would leave half a line on a full disk, glue the next one to it, and then
    refuse to read the file."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with get_lock_file(self._lock), open(self._file_path, "ab", buffering=0) as file:
            append_whole(file.fileno(), lines.encode(), durable=True)


def mend_journal(path: Path) -> None:
    """Cut the line that a killed driver left torn; for the sweep's one driver, before it reads the journal."""
    if path.exists():
        cut_torn_line(path)
