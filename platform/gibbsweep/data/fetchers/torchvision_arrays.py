"""Fetches sets that torchvision downloads, verifies and holds as one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.layouts import SplitName
from gibbsweep.data.fetchers.source import Fetcher, Loaded, Source, obtaining
from gibbsweep.data.files.writing import Part

_ROWS = 5000  # images a part


def fetch_with_train_flag(dataset: str) -> Fetcher:
    """The fetcher of a class of ``torchvision.datasets`` that has ``train=``, ``.data`` and ``.targets``.

    ``.data``: (N, H, W) or (N, H, W, 3).
    """

    def fetch(entry: Entry, split: SplitName, source: Source) -> Loaded:
        from torchvision import datasets

        with obtaining(entry, source):
            data = getattr(datasets, dataset)(source.path, train=split == "train", download=source.download)
        x = np.asarray(data.data, np.uint8)
        if x.ndim == 3:
            x = x[..., None]  # grey images come without a channel axis
        return _loaded(x.transpose(0, 3, 1, 2), np.asarray(data.targets), entry)

    return fetch


def fetch_svhn(entry: Entry, split: SplitName, source: Source) -> Loaded:
    """Loads the cropped digits of Street View House Numbers; the digit 0, which the files call 10, has the label 0."""
    from torchvision import datasets

    with obtaining(entry, source):
        data = datasets.SVHN(source.path, split=split, download=source.download)
    return _loaded(data.data, data.labels, entry)


def _loaded(x: NDArray[np.uint8], y: NDArray[Any], entry: Entry) -> Loaded:
    starts = range(0, len(x), _ROWS)
    return Loaded((Part(x[start : start + _ROWS], y[start : start + _ROWS]) for start in starts), entry.classes)
