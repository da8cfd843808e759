"""One decoded file: its examples, labels and texts, in memory or memory-mapped from an Arrow IPC file."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from gibbsweep.data.tables.metadata import METADATA_KEY, Metadata
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Decoded:
    """Decoded examples in memory, before they are written to the cache."""

    x: NDArray[Any]
    """Examples (N, *D): uint8, int16 or float32."""
    y: NDArray[np.int64] | None
    """Labels (N,), or None."""
    text: list[str | None] | None
    """N captions, or None; a caption that is missing is None."""
    metadata: Metadata
    """What the file states about its examples."""
    vocabulary: Vocabulary | None = None
    """Encodes the captions; None without captions."""

    def fingerprint(self) -> str:
        """A hash of examples, labels and texts: the same on every machine, whatever file they came from."""
        digest = hashlib.sha256(f"{self.x.dtype.str} {self.x.shape}".encode())
        digest.update(np.ascontiguousarray(self.x).data)
        if self.y is not None:
            digest.update(np.ascontiguousarray(self.y).data)
        if self.text is not None:
            digest.update(json.dumps(self.text).encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Table:
    """A memory-mapped file of decoded examples; ``x``, ``y`` and ``tokens`` are views of the mapping, not copies."""

    x: Tensor
    """Examples (N, *D): uint8, int16 or float32."""
    y: Tensor | None
    """Labels (N,) int64, or None."""
    text: Any | None
    """N captions as an Arrow array, or None."""
    metadata: Metadata
    """What the file states about its examples."""
    fingerprint: str
    """Hash of examples, labels and captions: the same on every machine."""
    tokens: Tensor | None = None
    """Captions as ids (N, L) int64, or None."""
    vocabulary: Vocabulary | None = None
    """Encoded the captions; None without captions."""

    @property
    def n_classes(self) -> int | None:
        """Number of classes; None without classes."""
        return len(self.metadata.classes) or None


def write_table(path: Path, decoded: Decoded) -> None:
    """Writes ``decoded`` as an uncompressed Arrow IPC file of one record batch, so that each column is one block."""
    n, width = len(decoded.x), int(np.prod(decoded.x.shape[1:]))
    columns = {"x": pa.FixedSizeListArray.from_arrays(pa.array(decoded.x.reshape(-1)), width)}
    if decoded.y is not None:
        columns["y"] = pa.array(decoded.y, pa.int64())
    if decoded.text is not None:
        columns["text"] = pa.array(decoded.text, pa.string())
    more: dict[str, Any] = {"fingerprint": decoded.fingerprint(), "rows": n}
    if decoded.text is not None and decoded.vocabulary is not None:
        tokens = decoded.vocabulary.encode(decoded.text).numpy()
        columns["tokens"] = pa.FixedSizeListArray.from_arrays(pa.array(tokens.reshape(-1)), tokens.shape[1])
        more["vocabulary"] = decoded.vocabulary.to_json()
    metadata = decoded.metadata.to_json(**more)
    batch = pa.record_batch(columns).replace_schema_metadata({METADATA_KEY: metadata})
    with open(path, "wb") as file:
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        file.flush()
        os.fsync(file.fileno())


def open_table(path: Path) -> Table:
    """Memory-maps a file that :func:`write_table` wrote; all processes on a node share its pages."""
    try:
        with open(path, "rb") as file:
            # Private copy-on-write: torch wants writable memory, and no write may reach the file.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        whole = pa.py_buffer(mapped)
        batch = pa.ipc.open_file(pa.BufferReader(whole)).get_batch(0)
        stated = json.loads(batch.schema.metadata[METADATA_KEY])
        metadata = Metadata.from_mapping(stated)
        x = _view(mapped, whole.address, batch.column("x").values).view(-1, *metadata.shape)
        y = _view(mapped, whole.address, batch.column("y")) if "y" in batch.schema.names else None
        text = batch.column("text") if "text" in batch.schema.names else None
        tokens, vocabulary = None, None
        if "tokens" in batch.schema.names:
            vocabulary = Vocabulary.from_json(stated["vocabulary"])
            tokens = _view(mapped, whole.address, batch.column("tokens").values).view(-1, vocabulary.length)
    except (pa.ArrowInvalid, OSError, KeyError, ValueError) as error:
        raise UserError(f"cannot read the decoded copy {path} ({error}): delete it, and it is made again") from error
    return Table(x, y, text, metadata, str(stated["fingerprint"]), tokens, vocabulary)


def _view(mapped: mmap.mmap, address: int, values: Any) -> Tensor:
    dtype = _TYPES[values.type]
    return torch.frombuffer(mapped, dtype=dtype, count=len(values), offset=values.buffers()[1].address - address)


_TYPES = {
    pa.uint8(): torch.uint8,
    pa.int16(): torch.int16,
    pa.float32(): torch.float32,
    pa.int64(): torch.int64,
}
