"""Facts about one data set as plain values to print: ``gibbsweep data info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.folders import data_root
from gibbsweep.data.catalogue.layouts import SPLITS, files_of, validation_of
from gibbsweep.data.formats.wav import FULL_SCALE
from gibbsweep.data.loading.dataset import load_split
from gibbsweep.data.loading.view import DataView, view_of

_CHUNK = 4096  # examples summed at once: bounds the memory of a pass over a mapped file


def info(data: str | DataView, root: Path | str | None = None) -> dict[str, Any]:
    """Collects the facts about one data set or view; decodes it on first use.

    Statistics are those of the training file, else of the test file. Keys: name, how, where, train, test (rows), shape,
    classes (names), words (the vocabulary's size), caption (tokens of the longest), rate (samples a second), seconds
    (of one sound), source, licence, note, fingerprint, dtype, occupied (share of the voxels), min, max, mean, std (of
    the raw values: bytes 0 to 255 for images, 0 and 1 for voxels; of sounds the amplitude in [-1, 1]), histogram ((low,
    high, count) each), labels (count by class). A value that data of this kind does not have is None.
    """
    view = view_of(data)
    folder = data_root(root)
    entry = entry_of(view.name)
    bundled = entry is not None and entry.how == "bundled"
    files = {} if bundled else files_of(view.name, folder)
    validation = None if bundled else validation_of(view.name, folder)
    unread = f"its split '{validation}' is not read: validation is cut from train" if validation else ""
    names = [split for split in SPLITS if bundled or split in files]
    splits = {split: load_split(view, split, root=root) for split in names or SPLITS[:1]}
    split = splits[names[0]]
    table, shape = split.table, split.shape
    classes = table.metadata.classes
    classes = classes if view.classes is None else tuple(classes[label] for label in view.classes)
    vocabulary = table.vocabulary
    rate = table.metadata.sampling_rate
    statistics = _voxel_statistics(split.x) if len(shape) == 4 else _statistics(split.x)
    return {
        "name": str(view),
        "how": entry.how if entry else "local",
        "where": "bundled" if bundled else str(folder / view.name),
        "train": len(splits["train"]) if "train" in splits else None,
        "test": len(splits["test"]) if "test" in splits else None,
        "shape": shape,
        "classes": classes,
        "words": vocabulary.size if vocabulary else None,
        "caption": vocabulary.length if vocabulary else None,
        "rate": rate,
        "seconds": shape[-1] / rate if rate else None,
        "source": table.metadata.source,
        "licence": table.metadata.licence,
        "note": "; ".join(
            part for part in (table.metadata.note or (entry.description if entry else ""), unread) if part
        ),
        "fingerprint": view.fingerprint(table.fingerprint),
        "dtype": str(table.x.dtype).removeprefix("torch."),
        "occupied": statistics["mean"] if len(shape) == 4 else None,
        **statistics,
        "labels": _label_counts(split.y, classes),
    }


def _statistics(x: Tensor, bins: int = 16) -> dict[str, Any]:
    """Statistics of raw values: exact for bytes (from the counts of the 256 values), in float64 for real values."""
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
    unit = 1 / FULL_SCALE if x.dtype == torch.int16 else 1.0
    low, high = float(x.min()) * unit, float(x.max()) * unit
    mean = float(sum(chunk.double().sum() for chunk in chunks)) * unit / x.numel()
    std = (float(sum(((chunk.double() * unit - mean) ** 2).sum() for chunk in chunks)) / x.numel()) ** 0.5
    grouped = torch.stack([(chunk.float() * unit).histc(bins, low, high) for chunk in chunks]).sum(0).int().tolist()
    width = (high - low) / bins
    histogram = [(low + i * width, low + (i + 1) * width, count) for i, count in enumerate(grouped)]
    return {"min": low, "max": high, "mean": mean, "std": std, "histogram": histogram}


def _voxel_statistics(x: Tensor) -> dict[str, Any]:
    """Statistics of voxels as 0 and 1; they are stored as the bytes 0 and 255."""
    occupied = sum(int(chunk.count_nonzero()) for chunk in torch.split(x, _CHUNK))
    mean = occupied / x.numel()
    histogram = [(0, 0, x.numel() - occupied), (1, 1, occupied)]
    return {"min": 0, "max": 1, "mean": mean, "std": (mean * (1 - mean)) ** 0.5, "histogram": histogram}


def _label_counts(y: Tensor | None, classes: tuple[str, ...]) -> dict[str, int]:
    if y is None:
        return {}
    return dict(zip(classes, y.bincount(minlength=len(classes)).tolist(), strict=True))
