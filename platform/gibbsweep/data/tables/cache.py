"""The cache of decoded files: the first process on a node that needs one makes it, and all memory-map it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from gibbsweep.data.catalogue.folders import cache_root
from gibbsweep.data.tables.table import Decoded, Table, open_table, write_table
from gibbsweep.errors import UserError

_log = logging.getLogger(__name__)

FORMAT = 3
"""Version of decoding and of the cached file's layout, a part of every key: raise it when either changes."""


def cached(stem: str, key: str, decode: Callable[[], Decoded]) -> Table:
    """Opens the table under ``stem`` and ``key`` (an identity of the source's content), and decodes it first if need
    be.

    The file appears under its name complete or not at all. A process that is killed while it decodes leaves the lock
    free and at most a ``.part`` file, which the next process overwrites.
    """
    path = cache_root() / f"{stem}-{FORMAT}-{key}.arrow"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_suffix(".lock")):
                if not path.exists():
                    _make(path, decode)
    except OSError as error:
        raise UserError(
            f"cannot write to the cache folder {path.parent} ({error.strerror or error}): point GIBBSWEEP_CACHE to a "
            "folder with free space that you may write to"
        ) from error
    return open_table(path)


def _make(path: Path, decode: Callable[[], Decoded]) -> None:
    start = time.perf_counter()
    decoded = decode()
    part = path.with_suffix(".part")
    write_table(part, decoded)
    os.replace(part, path)
    _log.info("decoded %d examples into %s in %.1f s", len(decoded.x), path, time.perf_counter() - start)
