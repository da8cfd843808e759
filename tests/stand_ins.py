"""Small data sets that stand in for those that must be fetched: made of bundled ones, in the real sets' formats.

Each has the name, the columns, the shape and the classes of the set whose place it takes, so that loading, views,
studies and outliers run as they would on the real set. What the pictures show is another matter: no test that reads a
stand-in may say anything about the real set's content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data import Metadata, Part, load_split, write_parts
from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.layouts import SPLITS, SplitName
from gibbsweep.data.formats.wav import encode_wav

Images = NDArray[np.uint8]

CIFAR_ROWS = {"train": 1000, "test": 200}
RATE = 8000


def write_stand_ins(root: Path) -> None:
    """Write every stand-in under ``root`` as ROOT/NAME/{train,test}.parquet."""
    for name, (make, metadata) in STAND_INS.items():
        for split in SPLITS:
            parts = list(make(split))
            if parts:
                write_parts(root / name / f"{split}.parquet", parts, metadata=metadata)


def _digits(split: SplitName) -> tuple[Images, NDArray[np.int64]]:
    """The bundled MNIST digits (N, 1, 28, 28) and their labels (N,)."""
    digits = load_split("mnist5k", split)
    assert digits.y is not None
    return digits.x.numpy(), digits.y.numpy()


def _mnist(split: SplitName) -> Iterator[Part]:
    yield Part(*_digits(split))


def _fashion_mnist(split: SplitName) -> Iterator[Part]:
    """Digits on their side, dark on bright: unlike upright ones in shape and in brightness."""
    x, y = _digits(split)
    yield Part(255 - x.swapaxes(2, 3), y)


def _photographs(split: SplitName, rows: int) -> tuple[Images, NDArray[np.int64]]:
    """Digits (rows, 3, 32, 32) in a colour of their class on a background that shades off, with the noise of a
    camera."""
    x, y = _digits(split)
    x, y = x[:rows], y[:rows]
    rng = np.random.default_rng(0)
    ink = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))) / 255  # (rows, 1, 32, 32)
    colour = rng.uniform(60, 250, (10, 3, 1, 1))[y]
    shade = np.linspace(20, 180, 32)[None, None, None, :] * rng.uniform(0.3, 1.0, (len(x), 3, 1, 1))
    noisy = ink * colour + (1 - ink) * shade + rng.normal(0, 12, (len(x), 3, 32, 32))
    return noisy.clip(0, 255).astype(np.uint8), y


def _cifar10(split: SplitName) -> Iterator[Part]:
    yield Part(*_photographs(split, CIFAR_ROWS[split]))


def _faces(split: SplitName) -> Iterator[Part]:
    """Pictures without labels."""
    yield Part(_photographs(split, 300)[0])


def _emoji(split: SplitName) -> Iterator[Part]:
    """Pictures with names: two words that every split has, and one that few pictures share."""
    x, y = _photographs(split, 300)
    words = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    text = [f"{words[label]}: style {row % 2}, no. {row // 4}" for row, label in enumerate(y)]
    yield Part(x, y, text)


def _omniglot(split: SplitName) -> Iterator[Part]:
    """Characters of 32x32 to test with alone."""
    if split == "test":
        x, y = _digits(split)
        yield Part(np.pad(x[:300], ((0, 0), (0, 0), (2, 2), (2, 2))), y[:300])


def _chairs_and_monitors(split: SplitName) -> Iterator[Part]:
    """Two kinds of solids of 32 voxels an edge, under the labels that chairs and monitors have among ten classes."""
    solids = load_split("solids", split)
    assert solids.y is not None
    x, y = solids.x.numpy() > 0, solids.y.numpy()
    two = y < 2
    for axis in (2, 3, 4):
        x = x.repeat(4, axis=axis)
    yield Part(x[two], np.array([2, 5])[y[two]])


def _fsdd(split: SplitName) -> Iterator[Part]:
    """Sounds of lengths of their own, at 8 kHz."""
    tones = load_split("tones", split)
    x = tones.x.numpy()
    files = [encode_wav(np.concatenate([sound[0]] * (1 + row % 12)), RATE) for row, sound in enumerate(x)]
    yield Part(files, np.arange(len(x)) % 10, more={"speaker": [f"speaker {row % 6}" for row in range(len(x))]})


def _of_entry(name: str) -> Metadata:
    """What the catalogue says of a set, with a source that says that this is not it."""
    entry = entry_of(name)
    assert entry is not None
    return Metadata(entry.shape, entry.classes, f"a stand-in for {name}", "CC0", sampling_rate=entry.sampling_rate)


def _of_modelnet() -> Metadata:
    entry = entry_of("modelnet10")
    assert entry is not None
    return Metadata(entry.shape, entry.classes, "a stand-in for modelnet_chairs_monitors", "CC0")


STAND_INS: dict[str, tuple[Callable[[SplitName], Iterator[Part]], Metadata]] = {
    "mnist": (_mnist, _of_entry("mnist")),
    "fashion_mnist": (_fashion_mnist, _of_entry("fashion_mnist")),
    "cifar10_4k": (_cifar10, _of_entry("cifar10")),
    "faces": (_faces, _of_entry("faces")),
    "emoji": (_emoji, _of_entry("emoji")),
    "omniglot": (_omniglot, Metadata((1, 32, 32), source="a stand-in for omniglot", licence="CC0")),
    "modelnet_chairs_monitors": (_chairs_and_monitors, _of_modelnet()),
    "fsdd": (_fsdd, _of_entry("fsdd")),
}
