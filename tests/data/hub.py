"""Image files and Parquet files in the hub's convention for the tests of readers."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def pixels(seed: int, *shape: int) -> np.ndarray[Any, Any]:
    """Random bytes of a shape, another one for each seed."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: np.ndarray[Any, Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image file of a Pillow image, or of (H, W) or (H, W, C) bytes."""
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, kind, **options)
    return file.getvalue()


def structs(*files: bytes | None) -> Any:
    """A column of struct<bytes, path>."""
    return pa.array([{"bytes": file, "path": f"{i}.png"} for i, file in enumerate(files)], FILE)


def pictures(n: int, seed: int = 0, *, shape: tuple[int, ...] = (4, 4)) -> Any:
    """A column of ``n`` different PNG files."""
    return structs(*(encoded(pixels(1000 * seed + i, *shape)) for i in range(n)))


def put(path: Path, columns: dict[str, Any], features: dict[str, Any] | None = None, **stated: Any) -> Path:
    """Writes a Parquet file, with the features that the hub states and with ``stated`` under ``gibbsweep``."""
    metadata: dict[bytes, bytes] = {}
    if features is not None:
        metadata[b"huggingface"] = json.dumps({"info": {"features": features}}).encode()
    if stated:
        metadata[b"gibbsweep"] = json.dumps(stated).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    return path


def save(path: Path, content: bytes) -> Path:
    """Writes a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
