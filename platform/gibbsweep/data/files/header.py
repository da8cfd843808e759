"""Identity and header of a Parquet file, before any row is read."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from gibbsweep.data.tables.metadata import METADATA_KEY, Metadata
from gibbsweep.errors import UserError

_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Header:
    """What a Parquet file states before any row is read."""

    rows: int
    """Number of rows."""
    columns: tuple[str, ...]
    """Names of all columns."""
    metadata: Metadata
    """What the schema's metadata states; the rest is left at its default."""


def identity(path: Path) -> str:
    """Key of the file's content that costs one small read: a hash of its size, modification time and footer.

    The footer holds schema, metadata, and the offsets, sizes and statistics of every column chunk.
    """
    with _readable(path), open(path, "rb") as file:
        status = os.fstat(file.fileno())
        file.seek(max(0, status.st_size - 8))
        tail = file.read(8)
        length = struct.unpack("<I", tail[:4])[0] if len(tail) == 8 and tail[4:] == _MAGIC else -1
        if not 0 < length <= status.st_size - 12:
            raise UserError(f"{path} is no complete Parquet file (its footer is missing): copy or fetch it again")
        file.seek(status.st_size - 8 - length)
        footer = file.read(length)
    return hashlib.sha256(b"%d %d " % (status.st_size, status.st_mtime_ns) + footer).hexdigest()[:20]


def read_header(path: Path) -> Header:
    """Reads the rows, columns and metadata of a Parquet file; metadata that it does not state keeps its default."""
    with opened(path) as file:
        schema = file.schema_arrow
        return Header(file.metadata.num_rows, tuple(schema.names), stated_metadata(schema, path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path} cannot be read as Parquet, it is corrupt or truncated ({reason}): copy or fetch it again"
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Opens a ``ParquetFile``; errors that Arrow raises while it is open become a UserError that names the file."""
    from pyarrow import parquet as pq

    with _readable(path), pq.ParquetFile(path) as file:
        yield file


def stated_metadata(schema: Any, path: Path) -> Metadata:
    """Metadata under the schema's key ``gibbsweep``, else the class names and rate of a Hugging Face export."""
    stated = schema.metadata or {}
    try:
        if METADATA_KEY in stated:
            return Metadata.from_mapping(json.loads(stated[METADATA_KEY]))
        features = json.loads(stated.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        return Metadata(
            classes=tuple(features.get("label", {}).get("names", ())),
            sampling_rate=features.get("audio", {}).get("sampling_rate"),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"the schema metadata of {path} cannot be understood ({error}): 'gibbsweep' must be a JSON object with "
            "shape, classes, source and licence"
        ) from error
