"""Files that are either whole or absent, and JSON numbers that may be non-finite."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, flush it to disk and rename it into place: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


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
