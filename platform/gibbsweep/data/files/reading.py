"""Decodes a canonical Parquet file: examples, labels, captions."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.catalogue.folders import cache_root
from gibbsweep.data.files.columns import column_of
from gibbsweep.data.files.header import opened, stated_metadata
from gibbsweep.data.files.recordings import AudioForm, Recordings
from gibbsweep.data.files.sanity import refuse_constant
from gibbsweep.data.tables.table import Decoded
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError

_IN_MEMORY = 1 << 29
"""Largest size in bytes of examples that are decoded in memory; larger ones are decoded into a temporary file."""

_ZEROS = 1 << 24  # bytes written at once to reserve a temporary file


def read_parquet(path: Path, vocabulary: Vocabulary | None = None, form: AudioForm | None = None) -> Decoded:
    """Reads the examples x (N, *D), and ``label`` and ``text`` where they exist.

    Images: (N, C, H, W) uint8 with 1 or 3 channels. Voxels: (N, 1, H, H, H) uint8, 0 or 255. Recordings: (N, 1, L)
    int16, brought to ``form``. Vectors: (N, D) float32. Captions are encoded with ``vocabulary``, or with one built
    from them.
    """
    with opened(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        metadata = stated_metadata(schema, path)
        name, column = column_of(schema, metadata, path, form or AudioForm())
        _check_columns(path, schema, rows)
        names = [name, *(other for other in ("label", "text") if other in schema.names)]
        x: NDArray[Any] | None = None
        labels: list[NDArray[np.int64]] = []
        texts: list[str | None] = []
        row = 0
        for batch in file.iter_batches(batch_size=1000, columns=names):
            for example in column.decode(batch.column(name), row):
                if x is None:
                    x = _empty((rows, *example.shape), column.dtype)
                if example.shape != x.shape[1:]:
                    raise UserError(
                        f"row {row} of {path} is an example of {example.shape} (images: channels, height, width) and "
                        f"row 0 one of {x.shape[1:]}: bring all examples of a data set to one size and mode"
                    )
                x[row] = example
                row += 1
            if "label" in names:
                labels.append(_labels(batch.column("label"), path))
            if "text" in names:
                texts.extend(batch.column("text").to_pylist())
    assert x is not None  # _check_columns refuses a file without rows
    if isinstance(column, Recordings):
        metadata = column.completed(metadata, rows)
    if metadata.shape and metadata.shape != x.shape[1:]:
        raise UserError(
            f"{path} states the shape {metadata.shape} and its examples are {x.shape[1:]} (images: channels, height, "
            "width): correct 'shape' in the 'gibbsweep' metadata of its schema, or the examples"
        )
    y = np.concatenate(labels) if labels else None
    metadata = replace(metadata, shape=x.shape[1:], classes=_classes(metadata.classes, y, path))
    refuse_constant(x, path)
    if "text" not in names:
        return Decoded(x=x, y=y, text=None, metadata=metadata)
    return Decoded(x=x, y=y, text=texts, metadata=metadata, vocabulary=vocabulary or Vocabulary.of(texts))


def _empty(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= _IN_MEMORY:
        return np.empty(shape, dtype)
    folder = cache_root()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            for start in range(
                0, size, _ZEROS
            ):  # reserves the space: a full disk under a mapped file kills the process
                file.write(bytes(min(_ZEROS, size - start)))
            file.flush()
            return np.memmap(file, dtype, mode="r+", shape=shape)
    except OSError as error:
        raise UserError(
            f"cannot reserve {size >> 20} MiB in the cache folder {folder} ({error.strerror or error}): point "
            "GIBBSWEEP_CACHE to a folder with free space that you may write to"
        ) from error


def _check_columns(path: Path, schema: Any, rows: int) -> None:
    if "label" in schema.names and not pa.types.is_integer(schema.field("label").type):
        raise UserError(
            f"column 'label' of {path} is {schema.field('label').type}: number the classes from 0 and name them in the "
            "metadata's 'classes'"
        )
    if "text" in schema.names and not _is_string(schema.field("text").type):
        raise UserError(
            f"column 'text' of {path} is {schema.field('text').type}: expected one string a row, its caption"
        )
    if rows == 0:
        raise UserError(f"{path} holds no rows: at least one example is needed")


def _is_string(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _labels(column: Any, path: Path) -> NDArray[np.int64]:
    if column.null_count:
        raise UserError(
            f"column 'label' of {path} has {column.null_count} empty cells: label every row, or drop the column"
        )
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _classes(stated: tuple[str, ...], y: NDArray[np.int64] | None, path: Path) -> tuple[str, ...]:
    if y is None:
        return ()
    low, high = int(y.min()), int(y.max())
    if low < 0 or (stated and high >= len(stated)):
        expected = f"0 to {len(stated) - 1}" if stated else "0 and above"
        raise UserError(
            f"column 'label' of {path} runs from {low} to {high}: expected {expected}; correct it, or drop it"
        )
    return stated or tuple(str(label) for label in range(high + 1))
