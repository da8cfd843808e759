"""Optuna's journal of a sweep, with whole lines whatever happens to the disk or to the driver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from gibbsweep.folder.whole import append_whole, cut_torn_line
from gibbsweep.tune.folder.layout import SweepDir


class WholeLines(JournalFileBackend):
    """Writes all of an entry or nothing: Optuna's own would leave half a line on a full disk, glue the next one to it, and then
    refuse to read the file."""

    def __init__(self, file_path: str) -> None:
        self._own_lock, self._path = JournalFileSymlinkLock(file_path), file_path
        super().__init__(file_path, lock_obj=self._own_lock)
        self._deferring, self._deferred = False, list[dict[str, Any]]()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Entries made inside wait for the next one made outside: what belongs together is on disk with one flush, or not at all."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        if self._deferring:
            self._deferred += logs
            return
        logs, self._deferred = [*self._deferred, *logs], []
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._own_lock.acquire()
        try:
            with open(self._path, "ab", buffering=0) as file:
                append_whole(file.fileno(), lines.encode(), durable=True)
        finally:
            self._own_lock.release()


def deferred(storage: BaseStorage) -> AbstractContextManager[None]:
    """See :meth:`WholeLines.deferred`; a storage in memory has nothing to wait for."""
    backend = getattr(storage, "_backend", None)
    return backend.deferred() if isinstance(backend, WholeLines) else nullcontext()


def mend_journal(path: Path) -> None:
    """Cut the line that a killed driver left torn; for the sweep's one driver, before it reads the journal."""
    if path.exists():
        cut_torn_line(path)


def open_storage(sweep: SweepDir) -> JournalStorage:
    sweep.path.mkdir(parents=True, exist_ok=True)
    return JournalStorage(WholeLines(str(sweep.journal)))
