"""The file of a sweep's journal. It has whole lines, even if the disk is full or the driver is killed."""

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
    """An Optuna journal file to which entries are written whole or not at all. Optuna's own file would keep half a line
    on a full disk, append the next one to it, and then refuse to read the file.

    For example::

        storage = JournalStorage(WholeLines("runs/rbm/optuna.journal"))
    """

    def __init__(self, file_path: str) -> None:
        self._append_lock, self._path = JournalFileSymlinkLock(file_path), file_path
        super().__init__(file_path, lock_obj=self._append_lock)
        self._deferring, self._deferred = False, list[dict[str, Any]]()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, entries wait for the next entry made outside, so that what belongs together reaches the disk with one
        flush or not at all."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write ``logs`` and the entries that waited for them."""
        if self._deferring:
            self._deferred += logs
            return
        logs, self._deferred = [*self._deferred, *logs], []
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._append_lock.acquire()
        try:
            with open(self._path, "ab", buffering=0) as file:
                append_whole(file.fileno(), lines.encode(), durable=True)
        finally:
            self._append_lock.release()


def deferred(storage: BaseStorage) -> AbstractContextManager[None]:
    """:meth:`WholeLines.deferred` of the storage's file; nothing for a storage in memory."""
    backend = getattr(storage, "_backend", None)
    return backend.deferred() if isinstance(backend, WholeLines) else nullcontext()


def mend_journal(path: Path) -> None:
    """Cut off the line that a killed driver left torn. The sweep's one driver calls it before it reads the journal."""
    if path.exists():
        cut_torn_line(path)


def open_storage(sweep: SweepDir) -> JournalStorage:
    """The journal of ``sweep``; its folder is made if it does not exist."""
    sweep.path.mkdir(parents=True, exist_ok=True)
    return JournalStorage(WholeLines(str(sweep.journal)))
