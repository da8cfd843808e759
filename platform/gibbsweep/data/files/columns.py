"""Decoders of the columns that may hold examples: image files, recordings, packed voxels, vectors of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.files.recordings import AudioForm, Recordings
from gibbsweep.data.formats.images import decode_image
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError

EXAMPLE_COLUMNS = ("image", "voxels", "audio", "vector")
"""Names that a column of examples may have, in the order in which they are looked for."""


class ExampleColumn(Protocol):
    """A decoder of one kind of column."""

    dtype: type[np.generic]
    """Type of the decoded examples."""

    def decode(self, column: Any, start: int) -> Iterator[NDArray[Any]]:
        """Decodes the examples (*D) of a part of the column whose first row is row ``start`` of the file."""
        ...


def example_column(names: Iterable[str]) -> str | None:
    """Name of the column of examples among ``names``, or None."""
    return next((name for name in EXAMPLE_COLUMNS if name in names), None)


def column_of(schema: Any, stated: Metadata, path: Path, form: AudioForm) -> tuple[str, ExampleColumn]:
    """Finds the column of examples of a file: its name and its decoder.

    ``stated``: the file's metadata. ``form``: the rate and length that recordings are brought to.
    """
    name = example_column(schema.names)
    if name is None:
        raise UserError(
            f"{path} has the columns {', '.join(schema.names)} and no column 'image', 'voxels', 'audio' or 'vector': "
            "image sets keep struct<bytes, path> with PNG or JPEG files in 'image', recordings the same with WAV files "
            "in 'audio', voxel sets packed bits in 'voxels', others lists of numbers in 'vector'"
        )
    kind = schema.field(name).type
    if name in ("image", "audio"):
        is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        if not (is_struct or _is_binary(kind)):
            raise UserError(f"column '{name}' of {path} is {kind}: expected struct<bytes: binary, path: string>")
    if name == "audio":
        return name, Recordings(stated, path, form)
    return name, _KINDS[name](kind, stated.shape, path)


class _Images:
    """Decodes PNG and JPEG files to (C, H, W) bytes."""

    dtype: type[np.generic] = np.uint8

    def __init__(self, kind: Any, stated: tuple[int, ...], path: Path) -> None:
        self.path = path

    def decode(self, column: Any, start: int) -> Iterator[NDArray[np.uint8]]:
        binary = column.field("bytes") if pa.types.is_struct(column.type) else column
        for row, encoded in enumerate(binary.to_pylist(), start):
            yield decode_image(encoded, where=f"row {row} of {self.path}")


class _Voxels:
    """Decodes big-endian bits in C order to (1, H, H, H) bytes, 0 or 255: the ends of both signed and binary units."""

    dtype: type[np.generic] = np.uint8

    def __init__(self, kind: Any, stated: tuple[int, ...], path: Path) -> None:
        if not _is_binary(kind):
            raise UserError(f"column 'voxels' of {path} is {kind}: expected binary values of packed bits (np.packbits)")
        if stated and (len(stated) != 4 or stated[0] != 1):
            raise UserError(f"{path} states the shape {stated} of voxels: expected (1, depth, height, width)")
        self.stated = stated
        self.path = path

    def decode(self, column: Any, start: int) -> Iterator[NDArray[np.uint8]]:
        for row, packed in enumerate(column.to_pylist(), start):
            shape = self.stated or _cube(packed)
            n = int(np.prod(shape))
            if packed is None or not n or len(packed) != (n + 7) // 8:
                got = "nothing" if packed is None else f"{len(packed)} bytes"
                raise UserError(
                    f"row {row} of {self.path} holds {got} of voxels: expected one bit a voxel of the shape "
                    f"{self.stated or '(1, n, n, n)'}, packed to bytes"
                )
            bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=n)
            yield (bits * np.uint8(255)).reshape(shape)


class _Vectors:
    """Decodes lists of numbers to (D,) float32."""

    dtype: type[np.generic] = np.float32

    def __init__(self, kind: Any, stated: tuple[int, ...], path: Path) -> None:
        is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
        if not (is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))):
            raise UserError(f"column 'vector' of {path} is {kind}: expected one list of numbers a row")
        self.path = path

    def decode(self, column: Any, start: int) -> Iterator[NDArray[np.float32]]:
        for row, values in enumerate(column.to_pylist(), start):
            if not values:
                raise UserError(f"row {row} of {self.path} holds no numbers: fill or remove it")
            # An empty cell of the list becomes NaN, which is refused below.
            vector = np.asarray(values, np.float32)
            if not np.isfinite(vector).all():
                raise UserError(
                    f"row {row} of {self.path} holds a value that is no finite number (NaN, infinite or empty): remove "
                    "the row, or fill the value"
                )
            yield vector


_KINDS: dict[str, type[_Images | _Voxels | _Vectors]] = {
    "image": _Images,
    "voxels": _Voxels,
    "vector": _Vectors,
}


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _cube(packed: bytes | None) -> tuple[int, ...]:
    """Shape (1, n, n, n) of n³ = 8 · bytes bits, or (0,) where no n fits."""
    n = round((8 * len(packed or b"")) ** (1 / 3))
    return (1, n, n, n) if n**3 == 8 * len(packed or b"") else (0,)
