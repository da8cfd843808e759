"""Canonical Parquet files: identity, header, decoding of images, writing."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.images import decode_image, encode_png
from gibbsweep.data.table import METADATA_KEY, Decoded, Metadata
from gibbsweep.errors import UserError

_MAGIC = b"PAR1"
_ROWS_PER_GROUP = 5000


@dataclass(frozen=True)
class Header:
    """What a Parquet file says of itself before any row is read."""

    rows: int
    columns: tuple[str, ...]
    metadata: Metadata


def identity(path: Path) -> str:
    """A key of the file's content that costs one small read: a hash of its size, modification time and footer.

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
    """Rows, columns and metadata of a Parquet file; metadata that it does not state is left at its default."""
    with _opened(path) as file:
        schema = file.schema_arrow
        return Header(file.metadata.num_rows, tuple(schema.names), _stated(schema, path))


def read_images(path: Path) -> Decoded:
    """Decode column ``image`` into x (N, C, H, W) uint8 with 1 or 3 channels, and ``label`` and ``text`` where they exist."""
    with _opened(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        metadata = _stated(schema, path)
        _check_columns(path, schema, rows)
        names = [name for name in ("image", "label", "text") if name in schema.names]
        x: NDArray[np.uint8] | None = None
        labels: list[NDArray[np.int64]] = []
        texts: list[str | None] = []
        row = 0
        for batch in file.iter_batches(batch_size=1000, columns=names):
            for encoded in _image_bytes(batch.column("image")):
                image = decode_image(encoded, where=f"row {row} of {path}")
                if x is None:
                    x = np.empty((rows, *image.shape), np.uint8)
                if image.shape != x.shape[1:]:
                    raise UserError(
                        f"row {row} of {path} is an image of {image.shape} (channels, height, width) and row 0 one of "
                        f"{x.shape[1:]}: bring all images of a data set to one size and mode"
                    )
                x[row] = image
                row += 1
            if "label" in names:
                labels.append(_labels(batch.column("label"), path))
            if "text" in names:
                texts.extend(batch.column("text").to_pylist())
    assert x is not None  # _check_columns refuses a file without rows
    if metadata.shape and metadata.shape != x.shape[1:]:
        raise UserError(
            f"{path} states the shape {metadata.shape} and its images are {x.shape[1:]} (channels, height, width): "
            "correct 'shape' in the 'gibbsweep' metadata of its schema, or the images"
        )
    y = np.concatenate(labels) if labels else None
    metadata = replace(metadata, shape=x.shape[1:], classes=_classes(metadata.classes, y, path))
    return Decoded(x=x, y=y, text=texts if "text" in names else None, metadata=metadata)


def write_parquet(
    path: Path,
    images: NDArray[np.uint8],
    labels: Sequence[int] | NDArray[Any] | None = None,
    text: Sequence[str | None] | None = None,
    *,
    metadata: Metadata,
) -> None:
    """Write ``images`` (N, C, H, W) uint8 with 1 or 3 channels losslessly in canonical form; an existing file is an error.

    ``metadata.shape`` is taken from the images.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.dtype != np.uint8 or not len(images):
        raise ValueError(
            f"images must be (N, 1 or 3, H, W) of type uint8: got {images.shape} of type {images.dtype}; add the channel axis"
        )
    if path.exists():
        raise UserError(f"{path} exists already and is never overwritten: remove it first if it should be replaced")
    metadata = replace(metadata, shape=tuple(images.shape[1:]))
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns: dict[str, Any] = {"image": pa.array([{"bytes": encode_png(one), "path": None} for one in images], image)}
    if labels is not None:
        columns["label"] = pa.array(np.asarray(labels, np.int64))
    if text is not None:
        columns["text"] = pa.array(list(text), pa.string())
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: metadata.to_json(rows=len(images))})

    from pyarrow import parquet as pq

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
            part = Path(folder) / path.name
            pq.write_table(table, part, row_group_size=_ROWS_PER_GROUP, compression="none")  # PNG is compressed
            os.rename(part, path)
    except OSError as error:
        raise UserError(
            f"cannot write {path} ({error.strerror or error}): name a folder that you may write to with --data-root"
        ) from error


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
def _opened(path: Path) -> Iterator[Any]:
    from pyarrow import parquet as pq

    with _readable(path), pq.ParquetFile(path) as file:
        yield file


def _stated(schema: Any, path: Path) -> Metadata:
    stated = schema.metadata or {}
    try:
        if METADATA_KEY in stated:
            return Metadata.from_mapping(json.loads(stated[METADATA_KEY]))
        features = json.loads(stated.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        return Metadata(classes=tuple(features.get("label", {}).get("names", ())))
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"the schema metadata of {path} cannot be understood ({error}): 'gibbsweep' must be a JSON object with shape, "
            "classes, source and licence"
        ) from error


def _check_columns(path: Path, schema: Any, rows: int) -> None:
    if "image" not in schema.names:
        raise UserError(
            f"{path} has the columns {', '.join(schema.names)} and no column 'image': image sets keep struct<bytes, path> "
            "with PNG or JPEG files there"
        )
    kind = schema.field("image").type
    is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
    if not (is_struct or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise UserError(f"column 'image' of {path} is {kind}: expected struct<bytes: binary, path: string>")
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
        raise UserError(f"{path} holds no rows: at least one image is needed")


def _is_string(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _image_bytes(column: Any) -> list[bytes | None]:
    binary = column.field("bytes") if pa.types.is_struct(column.type) else column
    encoded: list[bytes | None] = binary.to_pylist()
    return encoded


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
