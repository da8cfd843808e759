"""Files that are either whole or absent, and JSON numbers that may be non-finite."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gibbsweep.errors import DiskFull, UserError, is_disk_full


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, flush it to disk and rename it into place: a reader never sees half a file.
    Where that fails, on a full disk for one, the file is what it was, and nothing is left beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb", buffering=0) as file:
            _write(file.fileno(), content)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def append_whole(file: int, content: bytes, *, durable: bool = False) -> None:
    """Append ``content`` to the open ``file``, all of it or, where that fails, nothing: half a line would be glued to the next one.
    ``durable``: flushed to disk, too."""
    size = os.fstat(file).st_size
    try:
        _write(file, content)
        if durable:
            os.fsync(file)
    except OSError:
        os.ftruncate(file, size)
        raise


def cut_torn_line(path: Path) -> bytes:
    """Remove what a kill left behind the last newline of the file ``path``; returns what stays."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with open(path, "r+b") as file:
            file.truncate(len(whole))
    return whole


@contextmanager
def full_disk_said(folder: Path) -> Iterator[None]:
    """Inside, whatever says that no space is left becomes a :class:`~gibbsweep.errors.DiskFull` about ``folder``."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not is_disk_full(error):
            raise
        which = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        raise DiskFull(
            f"there is no space left on the disk of {folder}{which}: free some and start it again, "
            "it goes on from its last checkpoint."
        ) from error


def _write(file: int, content: bytes) -> None:
    """``os.write`` may write less than it was given: a disk that fills up takes a part, and says so at the next call."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def as_file_name(text: str) -> str:
    """``text`` with everything but letters, digits, dots, - and _ turned into _: "mnist[-3]" to "mnist_-3"."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_")


def json_number(value: float) -> float | str:
    """JSON has no non-finite numbers; they travel as "NaN", "Infinity" and "-Infinity"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def parse_number(value: float | str) -> float:
    """The inverse of :func:`json_number`."""
    return float(value)
