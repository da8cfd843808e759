"""Decodes the Parquet files of a split, one file or several: examples, labels, captions."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.catalogue.folders import cache_root
from gibbsweep.data.files.columns import Decoder, decoder_of
from gibbsweep.data.files.form import Form
from gibbsweep.data.files.header import Header, identity, layout_in, opened, read_header, stated_metadata
from gibbsweep.data.files.labels import Labels
from gibbsweep.data.files.layout import EXPECTED, Layout, is_string, plain
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.table import Decoded
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError

_log = logging.getLogger(__name__)

_IN_MEMORY = 1 << 29
"""Largest size in bytes of examples that are decoded in memory; larger ones are decoded into a temporary file."""

_ZEROS = 1 << 24  # bytes written at once to reserve a temporary file
_CHUNK = 4096  # examples compared at once
_ROWS = 256  # rows read at once, which bounds the memory of photographs before they are decoded


@dataclass(frozen=True)
class ParquetFiles:
    """The Parquet files of one split, in order.

    Example::

        ParquetFiles((Path("data/mnist/train.parquet"),)).read().x.shape
    """

    paths: tuple[Path, ...]
    """One file or more, all with the same columns."""

    def __str__(self) -> str:
        return str(self.paths[0]) + (f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else "")

    def identity(self) -> str:
        """Key of the files' content that costs a small read of each."""
        keys = [identity(path) for path in self.paths]
        return keys[0] if len(keys) == 1 else hashlib.sha256(" ".join(keys).encode()).hexdigest()[:20]

    def header(self) -> Header:
        """What the files state before any row is read."""
        first, *others = (read_header(path) for path in self.paths)
        return replace(first, rows=first.rows + sum(other.rows for other in others))

    def read(
        self, vocabulary: Vocabulary | None = None, form: Form | None = None, classes: Sequence[str] = ()
    ) -> Decoded:
        """Reads the examples x (N, *D), and labels and captions where there are any.

        Images: (N, C, H, W) uint8 with 1 or 3 channels. Voxels: (N, 1, H, H, H) uint8, 0 or 255. Recordings: (N, 1, L)
        int16. Vectors: (N, D) float32. Images and recordings are brought to ``form``. Captions are encoded with
        ``vocabulary``, or with one built from them. ``classes``: names of the classes of the training split, for a test
        split whose files do not name them.
        """
        rows = self.header().rows
        with opened(self.paths[0]) as file:
            schema = file.schema_arrow
        path = self.paths[0]
        layout = layout_in(schema, path)
        if layout is None:
            raise UserError(
                f"{path} has the columns {', '.join(schema.names)} and {EXPECTED}: image sets keep struct<bytes, path> "
                "with PNG or JPEG files in 'image', recordings the same with WAV files in 'audio', voxel sets packed "
                "bits in 'voxels', others lists of numbers in 'vector'"
            )
        metadata = stated_metadata(schema, layout, path)
        decoder = decoder_of(schema, layout, metadata, path, form or Form())
        labels = None
        if layout.label is not None:
            where = f"column '{layout.label}' of {self}"
            labels = Labels(where, schema.field(layout.label).type, metadata.classes or classes)
        if layout.text is not None and not is_string(schema.field(layout.text).type):
            raise UserError(
                f"column '{layout.text}' of {path} is {schema.field(layout.text).type}: expected one string a row, its "
                "caption"
            )
        if rows == 0:
            raise UserError(f"{self} holds no rows: at least one example is needed")
        texts: list[str | None] = []
        x = gathered(self._examples(schema, layout, decoder, labels, texts), rows, decoder.dtype)
        return completed(
            x,
            labels,
            texts if layout.text is not None else None,
            vocabulary,
            decoder.completed(metadata, rows),
            self,
            layout.remark,
        )

    def _examples(
        self, schema: Any, layout: Layout, decoder: Decoder, labels: Labels | None, texts: list[str | None]
    ) -> Iterator[tuple[str, object, NDArray[Any]]]:
        """Yields the name of each row, its file and its example; collects labels and captions on the way."""
        for path in self.paths:
            with opened(path) as file:
                if not _alike(file.schema_arrow, schema, layout, path):
                    raise UserError(
                        f"{path} has other columns or classes than {self.paths[0]}: expected the parts of one export; "
                        "copy or fetch them again"
                    )
                row = 0
                for batch in file.iter_batches(batch_size=_ROWS, columns=layout.columns):
                    for example in decoder.decode(batch.column(layout.example), row, path):
                        yield f"row {row}", path, example
                        row += 1
                    if labels is not None:
                        labels.add(batch.column(layout.label))
                    if layout.text is not None:
                        texts.extend(plain(batch.column(layout.text)).to_pylist())


def _alike(schema: Any, first: Any, layout: Layout, path: Path) -> bool:
    """Whether a part of a split has the columns that are read, and states the classes, of the first part."""
    types = [
        [each.field(name).type if name in each.names else None for name in layout.columns] for each in (schema, first)
    ]
    if types[0] != types[1]:
        return False
    return stated_metadata(schema, layout, path).classes == stated_metadata(first, layout, path).classes


def gathered(examples: Iterable[tuple[str, object, NDArray[Any]]], rows: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Gathers ``rows`` examples (*D) of one shape into (N, *D); each comes with its name and the file that it is of."""
    x: NDArray[Any] | None = None
    first = ""
    for i, (name, path, example) in enumerate(examples):
        if x is None:
            x, first = _empty((rows, *example.shape), dtype), name
        if example.shape != x.shape[1:]:
            raise UserError(
                f"{name} of {path} is an example of {example.shape} (images: channels, height, width) and {first} one "
                f"of {x.shape[1:]}: bring all examples of a data set to one size and mode, or let a view do so for "
                "images, NAME@32, NAME@grey or NAME@rgb"
            )
        x[i] = example
    assert x is not None  # a split without rows is refused before
    return x


def completed(
    x: NDArray[Any],
    labels: Labels | None,
    texts: list[str | None] | None,
    vocabulary: Vocabulary | None,
    metadata: Metadata,
    source: object,
    remark: str = "",
) -> Decoded:
    """Puts a decoded split together, and refuses one that teaches nothing; ``source`` names it in errors."""
    if metadata.shape and metadata.shape != x.shape[1:]:
        raise UserError(
            f"{source} states the shape {metadata.shape} and its examples are {x.shape[1:]} (images: channels, height, "
            "width): correct 'shape' in the 'gibbsweep' metadata of its schema, or the examples"
        )
    y, classes = (None, ()) if labels is None else labels.completed()
    metadata = replace(metadata, shape=x.shape[1:], classes=classes).with_note(remark)
    _refuse_constant(x, source)
    if metadata.note:
        _log.info("%s: %s", source, metadata.note)
    if texts is None:
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
            # Zeros reserve the space: a disk that fills up under a mapped file kills the process.
            for start in range(0, size, _ZEROS):
                file.write(bytes(min(_ZEROS, size - start)))
            file.flush()
            return np.memmap(file, dtype, mode="r+", shape=shape)
    except OSError as error:
        raise UserError(
            f"cannot reserve {size >> 20} MiB in the cache folder {folder} ({error.strerror or error}): point "
            "GIBBSWEEP_CACHE to a folder with free space that you may write to"
        ) from error


def _refuse_constant(x: NDArray[Any], source: object) -> None:
    """Refuses examples x (N, *D) that are all equal, and images, voxels or sounds that are all of one flat value."""
    parts = range(0, len(x), _CHUNK)
    if len(x) > 1 and all(bool((x[start : start + _CHUNK] == x[0]).all()) for start in parts):
        raise UserError(
            f"all {len(x)} examples of {source} are equal: expected different ones; export the data set again"
        )
    flat = x.reshape(len(x), -1)
    if x.ndim > 2 and all(bool((part == part[:, :1]).all()) for part in (flat[s : s + _CHUNK] for s in parts)):
        raise UserError(
            f"every example of {source} is of one flat value: expected images, voxels or sounds with content; export "
            "the data set again"
        )
