"""Finds the files of a data set: canonical Parquet files, the layouts of the Hugging Face hub, folders of images."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gibbsweep.errors import UserError

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")
"""A data set has two stored splits; the validation split is cut from the training one."""

Stored = tuple[Path, ...]
"""One split on disk: the Parquet files that hold it, in order, or one folder of images."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_VALIDATION = ("validation", "valid", "val", "dev")
"""Names of a split that Gibbsweep does not read, since it cuts its own validation split from the training one."""

_PARQUET = re.compile(
    r"(?P<split>train|test|validation|valid|val|dev)(?:-(?P<index>\d+)-of-(?P<count>\d+)(?:-[0-9a-f]+)?)?\.parquet"
)
"""``train.parquet``, and the hub's ``train-00000-of-00002.parquet``, where older ones end in a hash."""

_NUMBERED = re.compile(r"(?P<index>\d+)\.parquet")
"""The hub's conversions of other formats: ``train/0000.parquet``."""

IMAGE_SUFFIXES = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".jfif",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".avif",
        ".heic",
    )
)
"""Suffixes of images in small letters. A file of a format that is not read is refused by its name, never skipped."""


def is_name(name: str) -> bool:
    """Whether ``name`` can be the name of a data set, and so of its folder."""
    return _NAME.fullmatch(name) is not None


def files_of(name: str, root: Path) -> dict[SplitName, Stored]:
    """Files of data set ``name`` under ``root`` that exist, by split.

    Looked for in this order: ``NAME/{train,test}.parquet``; the hub's shards ``NAME/SPLIT-00000-of-00002.parquet``,
    the same in ``NAME/data/`` or in the one folder of a configuration; ``NAME/{train,test}/`` with images, or with a
    folder of images for each class; ``NAME/`` with images or class folders, which are all for training.
    """
    stored = _all_files_of(name, root)
    return {split: stored[split] for split in SPLITS if split in stored}


def validation_of(name: str, root: Path) -> str | None:
    """Name of a stored validation split of data set ``name``, which is not read; None where there is none."""
    stored = _all_files_of(name, root)
    return next((split for split in _VALIDATION if split in stored), None)


def _all_files_of(name: str, root: Path) -> dict[str, Stored]:
    if not is_name(name):
        return {}
    folder = root / name
    try:
        return _parquet_files(folder) or _image_folders(folder) if folder.is_dir() else {}
    except OSError as error:
        raise UserError(
            f"cannot read {folder} ({error.strerror or error}): make it readable, or name another folder of data sets "
            "with --data-root"
        ) from error


def _parquet_files(folder: Path) -> dict[str, Stored]:
    """Parquet files of each split in ``folder``, in its folder ``data``, or in the one folder of a configuration."""
    for place in (folder, folder / "data"):
        splits = _shards_in(place)
        if splits:
            return splits
    places = [place for place in _folders_in(folder) if _holds_parquet(place)]
    configurations = {place.name: splits for place in places if (splits := _shards_in(place))}
    if len(configurations) > 1:
        raise UserError(
            f"{folder} holds Parquet files of {len(configurations)} configurations, {', '.join(configurations)}: move "
            "each into a folder of its own beside it, which is then a data set"
        )
    return next(iter(configurations.values()), {})


def _holds_parquet(folder: Path) -> bool:
    """Whether a folder, or one of the splits in it, holds Parquet files; the first such file or image decides."""
    for place in (folder, *(folder / split for split in SPLITS)):
        for name in _names_in(place):
            if name.endswith(".parquet") or is_image(name):
                return name.endswith(".parquet")
    return False


def _shards_in(folder: Path) -> dict[str, Stored]:
    """Parquet files of each split directly in ``folder``, or numbered in its folders of the splits' names."""
    shards: dict[str, list[tuple[int, int, Path]]] = {}
    for name in _names_in(folder):
        if match := _PARQUET.fullmatch(name):
            index, count = int(match["index"] or 0), int(match["count"] or 1)
            shards.setdefault(match["split"], []).append((index, count, folder / name))
    for split in (*SPLITS, *_VALIDATION):
        numbered = [
            (int(match["index"]), name) for name in _names_in(folder / split) if (match := _NUMBERED.fullmatch(name))
        ]
        parts = [(index, len(numbered), folder / split / name) for index, name in numbered]
        if parts:
            shards.setdefault(split, []).extend(parts)
    return {split: _complete(folder, split, parts) for split, parts in shards.items()}


def _complete(folder: Path, split: str, parts: list[tuple[int, int, Path]]) -> Stored:
    """Paths of all shards in order; a UserError where one is missing or there is one too many."""
    parts = sorted(parts)
    count = parts[0][1]
    if [(index, n) for index, n, _ in parts] != [(index, count) for index in range(count)]:
        raise UserError(
            f"{folder} holds {', '.join(path.name for _, _, path in parts[:4])}{', ...' if len(parts) > 4 else ''} for "
            f"the split '{split}': expected one Parquet file, or each of the {count} parts once; copy or fetch it again"
        )
    return tuple(path for _, _, path in parts)


def _image_folders(folder: Path) -> dict[str, Stored]:
    """Folders of images: those of the splits, or ``folder`` itself for training."""
    holding = [place.name for place in _folders_in(folder) if _has_images(place)]
    splits = [name for name in holding if name in (*SPLITS, *_VALIDATION)]
    others = [name for name in holding if name not in splits]
    if splits and others:
        raise UserError(
            f"{folder} holds images in '{splits[0]}' and in '{others[0]}': expected folders of splits (train, test), "
            "or folders of classes; move the classes into train and test"
        )
    if splits:
        return {name: (folder / name,) for name in splits}
    return {"train": (folder,)} if others or _images_in(folder) else {}


def _has_images(folder: Path) -> bool:
    """Whether a folder holds images, directly or in a folder for each class."""
    return _images_in(folder) or any(_images_in(inner) for inner in _folders_in(folder))


def _images_in(folder: Path) -> bool:
    return any(is_image(name) for name in _names_in(folder))


def is_image(name: str) -> bool:
    """Whether the name of a file says that it is an image; hidden files are none."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not name.startswith(".")


def _names_in(folder: Path) -> Iterator[str]:
    """Names of the files directly in ``folder``, in no order; none where it does not exist."""
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if entry.is_file())


def _folders_in(folder: Path) -> list[Path]:
    """Folders directly in ``folder``, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(
            Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith((".", "__"))
        )
