"""What is known about data sets, as plain values to print: ``gibbsweep data list`` and ``gibbsweep data info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gibbsweep.data.catalogue import CATALOGUE, Entry, entry_of
from gibbsweep.data.dataset import load_split
from gibbsweep.data.folders import SPLITS, data_root, drop_ins, files_of
from gibbsweep.data.parquet import read_header
from gibbsweep.data.table import Table
from gibbsweep.errors import UserError

_CHUNK = 4096  # examples summed at once: bounds the memory of a pass over a mapped file


def catalogue_rows(root: Path | str | None = None) -> list[dict[str, Any]]:
    """A row a data set, known ones first, then what else lies under the root; only headers are read, nothing is decoded.

    Keys: name, how (bundled, fetched, local), present, train, test (rows or None), shape, classes (their number or None),
    where, licence, description.
    """
    folder = data_root(root)
    known = {entry.name for entry in CATALOGUE}
    rows = [_row(entry.name, entry, folder) for entry in CATALOGUE]
    return rows + [_row(name, None, folder) for name in drop_ins(folder) if name not in known]


def info(name: str, root: Path | str | None = None) -> dict[str, Any]:
    """All about one data set; decodes it on first use. Statistics are those of the training file, else of the test file.

    Keys: name, how, where, train, test (rows), shape, classes (names), source, licence, note, fingerprint, dtype, min, max,
    mean, std (of the raw values: bytes 0 to 255 for images), histogram ((low, high, count) each), labels (count by class).
    """
    folder = data_root(root)
    entry = entry_of(name)
    files = files_of(name, folder)
    bundled = entry is not None and entry.how == "bundled"
    names = [split for split in SPLITS if bundled or split in files]
    tables = {split: load_split(name, split, root=root).table for split in names or SPLITS[:1]}
    table = tables[names[0]]
    metadata = table.metadata
    return {
        "name": name,
        "how": entry.how if entry else "local",
        "where": "bundled" if bundled else str(folder / name),
        "train": len(tables["train"].x) if "train" in tables else None,
        "test": len(tables["test"].x) if "test" in tables else None,
        "shape": metadata.shape,
        "classes": metadata.classes,
        "source": metadata.source,
        "licence": metadata.licence,
        "note": metadata.note or (entry.description if entry else ""),
        "fingerprint": table.fingerprint,
        "dtype": str(table.x.dtype).removeprefix("torch."),
        **_statistics(table.x),
        "labels": _label_counts(table),
    }


def _row(name: str, entry: Entry | None, folder: Path) -> dict[str, Any]:
    files = files_of(name, folder)
    bundled = entry is not None and entry.how == "bundled"
    row: dict[str, Any] = {
        "name": name,
        "how": entry.how if entry else "local",
        "present": bundled or bool(files),
        "train": entry.rows[0] if entry and bundled else None,
        "test": entry.rows[1] if entry and bundled else None,
        "shape": entry.shape if entry else None,
        "classes": len(entry.classes) or None if entry else None,
        "where": "bundled" if bundled else str(folder / name) if files else f"gibbsweep data fetch {name}",
        "licence": entry.licence if entry else "not stated",
        "description": entry.description if entry else "",
    }
    for split, path in files.items():
        if bundled:
            break
        try:
            header = read_header(path)
        except UserError as error:
            row["description"] = str(error)
            continue
        row[split] = header.rows
        row["shape"] = header.metadata.shape or row["shape"]
        row["classes"] = len(header.metadata.classes) or row["classes"]
        if entry is None:
            row["licence"], row["description"] = header.metadata.licence, header.metadata.source
    return row


def _statistics(x: Tensor, bins: int = 16) -> dict[str, Any]:
    """Exact for bytes (from the counts of the 256 values); in float64 for real values."""
    chunks = torch.split(x, _CHUNK)
    if x.dtype == torch.uint8:
        counts = torch.stack([chunk.flatten().bincount(minlength=256) for chunk in chunks]).sum(0)
        values = torch.arange(256, dtype=torch.float64)
        seen = counts.nonzero()[:, 0]
        mean = float((counts * values).sum() / counts.sum())
        std = float((counts * (values - mean) ** 2).sum() / counts.sum()) ** 0.5
        grouped = counts.view(bins, -1).sum(1).tolist()
        byte_bins = [(i * 256 // bins, (i + 1) * 256 // bins - 1, count) for i, count in enumerate(grouped)]
        return {"min": int(seen[0]), "max": int(seen[-1]), "mean": mean, "std": std, "histogram": byte_bins}
    low, high = float(x.min()), float(x.max())
    mean = float(sum(chunk.double().sum() for chunk in chunks)) / x.numel()
    std = (float(sum(((chunk.double() - mean) ** 2).sum() for chunk in chunks)) / x.numel()) ** 0.5
    grouped = torch.stack([chunk.float().histc(bins, low, high) for chunk in chunks]).sum(0).int().tolist()
    width = (high - low) / bins
    histogram = [(low + i * width, low + (i + 1) * width, count) for i, count in enumerate(grouped)]
    return {"min": low, "max": high, "mean": mean, "std": std, "histogram": histogram}


def _label_counts(table: Table) -> dict[str, int]:
    if table.y is None:
        return {}
    counts = table.y.bincount(minlength=len(table.metadata.classes)).tolist()
    return dict(zip(table.metadata.classes, counts, strict=True))
