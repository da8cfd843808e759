"""Decoders of the columns that may hold examples: image files, recordings, packed voxels, vectors of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from gibbsweep.data.files.form import Form
from gibbsweep.data.files.layout import Layout, files_in, is_binary, plain
from gibbsweep.data.files.recordings import Recordings
from gibbsweep.data.formats.images import decode_image, middle_square, recoloured
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.resize import resized
from gibbsweep.errors import UserError

_AT_ONCE = 1 << 20  # bytes of images that are resized together


class Decoder(Protocol):
    """A decoder of one kind of column."""

    dtype: type[np.generic]
    """Type of the decoded examples."""

    def decode(self, column: Any, start: int, path: Path) -> Iterator[NDArray[Any]]:
        """Decodes the examples (*D) of a part of the column, whose first row is row ``start`` of the file ``path``."""
        ...

    def completed(self, metadata: Metadata, rows: int) -> Metadata:
        """``metadata`` with what all ``rows`` turned out to be, and what was done to them in its note."""
        ...


def decoder_of(schema: Any, layout: Layout, stated: Metadata, path: Path, form: Form) -> Decoder:
    """The decoder of a file's column of examples.

    ``stated``: the file's metadata. ``form``: what images and recordings are brought to.
    """
    kind = schema.field(layout.example).type
    if layout.kind in ("image", "audio"):
        is_struct = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
        if not (is_struct or is_binary(kind)):
            raise UserError(
                f"column '{layout.example}' of {path} is {kind}: expected struct<bytes: binary, path: string>"
            )
    if layout.kind == "audio":
        return Recordings(stated, path, form)
    if layout.kind == "image":
        return Images(stated.shape, form)
    if layout.kind == "voxels":
        return _Voxels(kind, stated.shape, path)
    return _Vectors(kind, path)


class Images:
    """Decodes image files to (C, H, W) bytes, and brings them to a form."""

    dtype: type[np.generic] = np.uint8

    def __init__(self, stated: tuple[int, ...], form: Form) -> None:
        self.form = form
        self._stated = stated if form.size or form.colour else ()
        self._cropped = 0

    def decode(self, column: Any, start: int, path: Path) -> Iterator[NDArray[np.uint8]]:
        return self.examples((encoded, f"row {row} of {path}") for row, encoded in enumerate(files_in(column), start))

    def examples(self, files: Iterable[tuple[bytes | None, str]]) -> Iterator[NDArray[np.uint8]]:
        """Decodes image files in the form; each comes with its name for errors."""
        images = (self._decoded(encoded, where) for encoded, where in files)
        if self.form.size is None:
            yield from images
            return
        for square in _alike(middle_square(image) for image in self._counted(images)):
            yield from resized(torch.from_numpy(square), self.form.size)

    def _decoded(self, encoded: bytes | None, where: str) -> NDArray[np.uint8]:
        image = decode_image(encoded, where=where)
        if self._stated and image.shape != self._stated:
            raise UserError(
                f"{where} is an example of {image.shape} (images: channels, height, width) and the file states the "
                f"shape {self._stated}: correct 'shape' in the 'gibbsweep' metadata of its schema, or leave it out"
            )
        return image if self.form.colour is None else recoloured(image, self.form.colour)

    def _counted(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        for image in images:
            self._cropped += image.shape[-1] != image.shape[-2]
            yield image

    def completed(self, metadata: Metadata, rows: int) -> Metadata:
        metadata = replace(metadata, shape=() if self.form.size or self.form.colour else metadata.shape)
        if not self._cropped:
            return metadata
        return metadata.with_note(
            f"of {self._cropped} of {rows} images, which are not square, the middle square is taken"
        )


def _alike(images: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Stacks neighbouring images (C, H, W) of one shape to (n, C, H, W), since resizing many at once is faster."""
    for _, group in groupby(images, key=lambda image: image.shape):
        some: list[NDArray[np.uint8]] = []
        for image in group:
            some.append(image)
            if len(some) * image.size >= _AT_ONCE:
                yield np.stack(some)
                some = []
        if some:
            yield np.stack(some)


class _Voxels:
    """Decodes big-endian bits in C order to (1, H, H, H) bytes, 0 or 255: the ends of both signed and binary units."""

    dtype: type[np.generic] = np.uint8

    def __init__(self, kind: Any, stated: tuple[int, ...], path: Path) -> None:
        if not is_binary(kind):
            raise UserError(f"column 'voxels' of {path} is {kind}: expected binary values of packed bits (np.packbits)")
        if stated and (len(stated) != 4 or stated[0] != 1):
            raise UserError(f"{path} states the shape {stated} of voxels: expected (1, depth, height, width)")
        self.stated = stated

    def decode(self, column: Any, start: int, path: Path) -> Iterator[NDArray[np.uint8]]:
        for row, packed in enumerate(plain(column).to_pylist(), start):
            shape = self.stated or _cube(packed)
            n = int(np.prod(shape))
            if packed is None or not n or len(packed) != (n + 7) // 8:
                got = "nothing" if packed is None else f"{len(packed)} bytes"
                raise UserError(
                    f"row {row} of {path} holds {got} of voxels: expected one bit a voxel of the shape "
                    f"{self.stated or '(1, n, n, n)'}, packed to bytes"
                )
            bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=n)
            yield (bits * np.uint8(255)).reshape(shape)

    def completed(self, metadata: Metadata, rows: int) -> Metadata:
        return metadata


class _Vectors:
    """Decodes lists of numbers to (D,) float32."""

    dtype: type[np.generic] = np.float32

    def __init__(self, kind: Any, path: Path) -> None:
        is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
        if not (is_list and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))):
            raise UserError(f"column 'vector' of {path} is {kind}: expected one list of numbers a row")
        self._whole = pa.types.is_integer(kind.value_type)

    def decode(self, column: Any, start: int, path: Path) -> Iterator[NDArray[np.float32]]:
        for row, values in enumerate(column.to_pylist(), start):
            if not values:
                raise UserError(f"row {row} of {path} holds no numbers: fill or remove it")
            # An empty cell of the list becomes NaN, which is refused below.
            vector = np.asarray(values, np.float32)
            if not np.isfinite(vector).all():
                raise UserError(
                    f"row {row} of {path} holds a value that is no finite number (NaN, infinite or empty): remove the "
                    "row, or fill the value"
                )
            if self._whole and not np.array_equal(vector.astype(np.float64), values):
                raise UserError(
                    f"row {row} of {path} holds a whole number beyond 2^24, which float32 cannot hold: scale the "
                    "vectors"
                )
            yield vector

    def completed(self, metadata: Metadata, rows: int) -> Metadata:
        return metadata


def _cube(packed: bytes | None) -> tuple[int, ...]:
    """Shape (1, n, n, n) of n³ = 8 · bytes bits, or (0,) where no n fits."""
    n = round((8 * len(packed or b"")) ** (1 / 3))
    return (1, n, n, n) if n**3 == 8 * len(packed or b"") else (0,)
