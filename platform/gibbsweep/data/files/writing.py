"""Writes canonical Parquet files, all at once or part by part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.catalogue.folders import absolute
from gibbsweep.data.formats.images import encode_png
from gibbsweep.data.formats.wav import encode_wav
from gibbsweep.data.tables.metadata import METADATA_KEY, Metadata
from gibbsweep.errors import UserError

_ROWS_PER_GROUP = 5000
_FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class Part:
    """Some rows of a data set, for :func:`write_parts`.

    Example::

        Part(np.zeros((2, 1, 28, 28), np.uint8), y=[0, 1], text=["a nought", "a one"])
    """

    x: NDArray[Any] | list[bytes]
    """Images (N, 1 or 3, H, W) uint8, voxels (N, 1, H, H, H) bool, sounds (N, 1, L) int16, vectors (N, D) float32, or a
    list of N WAV files, which are kept as they are."""
    y: Sequence[int | str] | NDArray[Any] | None = None
    """Labels (N,): integers from 0, or names."""
    text: Sequence[str | None] | None = None
    """N captions."""
    more: Mapping[str, Any] | None = None
    """Further columns by name, kept in the file and not loaded."""


def write_parquet(
    path: Path,
    x: NDArray[Any],
    labels: Sequence[int | str] | NDArray[Any] | None = None,
    text: Sequence[str | None] | None = None,
    *,
    metadata: Metadata,
) -> None:
    """Writes examples losslessly in canonical form (see :class:`Part` for ``x``); an existing file is an error.

    Example::

        write_parquet(Path("data/mine/train.parquet"), images, labels, metadata=Metadata(classes=("cat", "dog")))

    ``metadata.shape`` is taken from the examples.
    """
    groups = range(0, len(x), _ROWS_PER_GROUP)
    parts = (
        Part(
            x[start : start + _ROWS_PER_GROUP],
            None if labels is None else labels[start : start + _ROWS_PER_GROUP],
            None if text is None else text[start : start + _ROWS_PER_GROUP],
        )
        for start in groups
    )
    write_parts(path, parts, metadata=metadata)


def write_parts(path: Path, parts: Iterable[Part], *, metadata: Metadata) -> int:
    """Writes each part as a row group, so that one part at a time is in memory. Returns the number of rows written.

    The file appears under its name complete or not at all.
    """
    path = absolute(path, "the path")
    if path.exists():
        raise UserError(f"{path} exists already and is never overwritten: remove it first if it should be replaced")

    from pyarrow import parquet as pq

    rows = 0
    with ExitStack() as stack:
        with _writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-"))
        unfinished = Path(folder) / path.name
        writer: Any = None
        for table in _tables(parts, metadata):
            with _writable(path):
                if writer is None:  # PNG is compressed already; voxels and numbers are not
                    kind = "none" if "image" in table.schema.names else "zstd"
                    writer = stack.enter_context(pq.ParquetWriter(unfinished, table.schema, compression=kind))
                writer.write_table(table, row_group_size=max(1, len(table)))
            rows += len(table)
        if not rows:
            raise ValueError(f"there is not one example to write to {path}: at least one is needed")
        with _writable(path):
            writer.close()
            os.rename(unfinished, path)
    return rows


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Turns an OSError into a sentence on the target's folder. Reads of the source's files do not belong inside."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror or error}): name a folder that you may write to with --data-root"
        ) from error


def _tables(parts: Iterable[Part], metadata: Metadata) -> Iterator[Any]:
    for part in parts:
        name, column, more = _examples(part.x, metadata)
        columns: dict[str, Any] = {name: column}
        if part.y is not None:
            columns["label"] = _labels(part.y)
        if part.text is not None:
            columns["text"] = pa.array(list(part.text), pa.string())
        # WAV files have lengths of their own: what metadata states is what they are cut or padded to.
        shape = metadata.shape if isinstance(part.x, list) else tuple(part.x.shape[1:])
        stated = replace(metadata, shape=shape).to_json(**more)
        yield pa.table(columns | dict(part.more or {})).replace_schema_metadata({METADATA_KEY: stated})


def _labels(y: Sequence[int | str] | NDArray[Any]) -> Any:
    if len(y) and isinstance(y[0], str):
        return pa.array(list(y), pa.string())
    return pa.array(np.asarray(y, np.int64))


def _examples(x: NDArray[Any] | list[bytes], metadata: Metadata) -> tuple[str, Any, dict[str, Any]]:
    """Name of the column, the column, and what the metadata states besides."""
    if isinstance(x, list):
        return "audio", pa.array([{"bytes": one, "path": None} for one in x], _FILE), {}
    if x.ndim == 4 and x.shape[1] in (1, 3) and x.dtype == np.uint8:
        return "image", pa.array([{"bytes": encode_png(one), "path": None} for one in x], _FILE), {}
    if x.ndim == 5 and x.shape[1] == 1 and x.dtype == np.bool_:
        packed = np.packbits(x.reshape(len(x), -1), axis=1)
        column = pa.array([row.tobytes() for row in packed], pa.binary(packed.shape[1]))
        return "voxels", column, {"packed": "bits, big-endian, C order"}
    if x.ndim == 3 and x.shape[1] == 1 and x.dtype == np.int16:
        if metadata.sampling_rate is None:
            raise ValueError("sounds have a rate: got none; state sampling_rate in the metadata")
        return _examples([encode_wav(one[0], metadata.sampling_rate) for one in x], metadata)
    if x.ndim == 2 and x.dtype == np.float32:
        return "vector", pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), x.shape[1]), {}
    raise ValueError(
        "images must be (N, 1 or 3, H, W) of type uint8, voxels (N, 1, H, H, H) of type bool, sounds (N, 1, L) of type "
        "int16, vectors (N, D) of type float32: "
        f"got {x.shape} of type {x.dtype}; add the channel axis"
    )
