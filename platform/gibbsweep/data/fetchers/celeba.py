"""Fetches CelebA, 64x64: more than 200,000 photographs, read one by one and written part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Loaded, Source, obtaining
from gibbsweep.data.files.writing import Part

CROP = 140
"""Edge in pixels of the square cut from the middle of each aligned 178x218 photograph, as is usual for score models."""

LABEL = "Smiling"
"""The attribute that serves as the label: it divides the photographs into halves of nearly one size."""

_ROWS = 2000  # photographs a part


def fetch_celeba(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads the official test split, or the official training and validation splits, with 40 attributes as columns."""
    from torchvision import datasets

    official = ("test",) if split == "test" else ("train", "valid")
    with obtaining(entry, source):
        sets = [datasets.CelebA(source.path, split=part, download=source.download) for part in official]
    edge = entry.shape[-1]
    return Loaded((part for data in sets for part in _parts(data, edge)), entry.classes)


def _parts(data: Any, edge: int) -> Iterator[Part]:
    names = [name for name in data.attr_names if name]
    for start in range(0, len(data), _ROWS):
        rows = range(start, min(start + _ROWS, len(data)))
        x = np.stack([_square(data[row][0], edge) for row in rows])
        attributes = data.attr[start : start + _ROWS].bool().numpy()
        columns = {name: attributes[:, i] for i, name in enumerate(names)}
        yield Part(x, columns[LABEL], more=columns)


def _square(photograph: Image.Image, edge: int) -> Any:
    """Middle of a photograph as (3, edge, edge) bytes."""
    left, top = (photograph.width - CROP) // 2, (photograph.height - CROP) // 2
    square = photograph.convert("RGB").crop((left, top, left + CROP, top + CROP))
    # Pillow's bilinear filter widens with the reduction, so it is antialiased.
    return np.asarray(square.resize((edge, edge), Image.Resampling.BILINEAR), np.uint8).transpose(2, 0, 1)
