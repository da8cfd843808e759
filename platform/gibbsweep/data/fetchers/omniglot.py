"""Fetches Omniglot: the background alphabets train, the evaluation alphabets test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Loaded, Source, in_parts, obtaining


def fetch_omniglot(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads the images of the split; labels number the characters of both splits, which have none in common."""
    from torchvision import datasets

    with obtaining(entry, source):
        sets = [datasets.Omniglot(source.path, background=part, download=source.download) for part in (True, False)]
    # Sorted here: torchvision numbers the characters in the order in which the file system lists them.
    characters = [sorted(Path(data.target_folder).glob("*/character*")) for data in sets]
    names = tuple(f"{folder.parent.name}/{folder.name}" for folders in characters for folder in folders)
    first, folders = (0, characters[0]) if split == "train" else (len(characters[0]), characters[1])
    return Loaded(in_parts(_images(folders, first, entry.shape[-1])), names)


def _images(folders: list[Path], first: int, edge: int) -> Iterator[tuple[NDArray[Any], int]]:
    for label, folder in enumerate(folders, start=first):
        for path in sorted(folder.glob("*.png")):
            with Image.open(path) as image:
                # Bright ink on black, as in MNIST, to which these serve as outliers.
                ink = ImageOps.invert(image.convert("L")).resize((edge, edge), Image.Resampling.BOX)
            yield np.asarray(ink, np.uint8)[None], label
