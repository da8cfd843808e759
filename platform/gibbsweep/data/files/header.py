"""Identity and header of Parquet files, before any row is read."""

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

from gibbsweep.data.files.layout import Kind, Layout, features_of, layout_of
from gibbsweep.data.tables.metadata import METADATA_KEY, Metadata
from gibbsweep.errors import UserError

_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Header:
    """What the files of a split state before any example is read."""

    rows: int
    """Number of examples."""
    metadata: Metadata
    """What the files state of their examples; the rest is left at its default."""
    kind: Kind | None = None
    """Kind of the examples; None where no column holds any."""
    labelled: bool = False
    """Whether there are labels."""
    states_classes: bool = False
    """Whether the files name the classes, and so number them for all splits alike."""
    captioned: bool = False
    """Whether there are captions."""


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
    """Reads the header of a Parquet file."""
    with opened(path) as file:
        schema = file.schema_arrow
        layout = layout_in(schema, path)
        metadata = stated_metadata(schema, layout, path)
        if layout is None:
            return Header(file.metadata.num_rows, metadata)
        return Header(
            rows=file.metadata.num_rows,
            metadata=metadata,
            kind=layout.kind,
            labelled=layout.label is not None,
            states_classes=bool(metadata.classes),
            captioned=layout.text is not None,
        )


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


def layout_in(schema: Any, path: Path) -> Layout | None:
    """The layout of a file with this schema; None where no column holds examples. ``path`` names it in errors."""
    with _understood(path):
        return layout_of(schema)


def stated_metadata(schema: Any, layout: Layout | None, path: Path) -> Metadata:
    """Metadata under the schema's key ``gibbsweep``, else the class names and rate of a Hugging Face export."""
    with _understood(path):
        stated = schema.metadata or {}
        if METADATA_KEY in stated:
            return Metadata.from_mapping(json.loads(stated[METADATA_KEY]))
        if layout is None:
            return Metadata()
        features = features_of(schema)
        return Metadata(
            classes=tuple(str(name) for name in features.get(layout.label or "", {}).get("names") or ()),
            sampling_rate=features.get(layout.example, {}).get("sampling_rate"),
        )


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"the schema metadata of {path} cannot be understood ({error}): 'gibbsweep' must be a JSON object with "
            "shape, classes, source and licence"
        ) from error
