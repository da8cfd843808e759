"""Files that are either whole or absent, and lines that are either whole or not counted."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gibbsweep.errors import DiskFull, UserError, is_disk_full


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` as :func:`replace_atomically` does, durably, in a folder that is made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_atomically(path, content)


def replace_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write ``content`` to a file beside ``path`` and rename it into place: a reader never sees half a file.

    Where that fails, on a full disk for one, the file stays what it was, and nothing is left beside it. ``durable``
    waits for the disk: else a loss of power may leave an empty file.
    """
    temporary = _temporary(path, "tmp")
    try:
        with open(temporary, "wb", buffering=0) as file:
            _write(file.fileno(), content)
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of the files in ``folder``, those that were just renamed included."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def claim_free_folder(path: Path) -> Path:
    """Make the folder ``path``, or NAME-2, NAME-3, ... beside it where that is there, also if other processes, on
    several machines, do the same at the same moment. Returns the one that was made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    free, count = path, 1
    while True:
        try:
            free.mkdir()
        except FileExistsError:
            count += 1
            free = path.with_name(f"{path.name}-{count}")
        else:
            return free


def write_json(path: Path, record: object) -> None:
    """Write ``record`` to ``path`` as indented JSON, whole and durable."""
    write_atomically(path, json.dumps(record, indent=1).encode())


def create_json(path: Path, record: object) -> None:
    """Write ``record`` to ``path`` as indented JSON, whole and durable. Raises FileExistsError if the file is there,
    also if another process makes it at the same moment."""
    temporary = _temporary(path, "new")
    try:
        write_atomically(temporary, json.dumps(record, indent=1).encode())
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json_object(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises UserError, which names the file, where there is none."""
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: expected a sweep's folder, written by a sweep") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds a {type(content).__name__}, expected a JSON object")
    return content


def append_whole(file: int, content: bytes, *, durable: bool = False) -> None:
    """Append ``content`` to the open ``file``, all of it or, where that fails, nothing.

    Half a line would be glued to the next one. ``durable`` waits for the disk, too.
    """
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
def disk_full_as_error(folder: Path) -> Iterator[None]:
    """Turn any error that means that no space is left into a :class:`~gibbsweep.errors.DiskFull` about ``folder``."""
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


def as_file_name(text: str) -> str:
    """``text`` with everything but letters, digits, dots, - and _ turned into _: "mnist[-3]" to "mnist_-3"."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_")


def is_listed(path: Path) -> bool:
    """Whether ``path`` is there, by its folder's list where a look at it says no: a client of a network file system
    remembers for up to a minute that a file was absent, and asks the server for a list."""
    if path.exists():
        return True
    try:
        return path.name in os.listdir(path.parent)
    except OSError:
        return False


def _temporary(path: Path, ending: str) -> Path:
    """A file beside ``path`` that no other process makes: in a shared folder process ids are those of many machines."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.{ending}")


def _write(file: int, content: bytes) -> None:
    # os.write may take a part: a disk that fills up takes what fits, and refuses the next call.
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
