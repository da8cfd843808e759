"""Downloading known data sets into canonical form."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from gibbsweep.data.catalogue import CATALOGUE, Entry, entry_of
from gibbsweep.data.folders import SPLITS, SplitName, data_root, files_of, missing
from gibbsweep.data.table import Metadata
from gibbsweep.data.writing import write_parquet
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Fetched:
    """What :func:`fetch` did: the files it wrote (none where nothing was to be done) and a sentence to print."""

    files: tuple[Path, ...]
    message: str


def fetch(name: str, root: Path | str | None = None) -> Fetched:
    """Download ``name`` from its own source into ``ROOT/NAME/{train,test}.parquet``; a file that exists is left alone."""
    folder, entry = data_root(root), entry_of(name)
    here = files_of(name, folder)
    if entry is not None and entry.how == "bundled":
        return Fetched((), f"'{name}' is bundled with {entry.source.split(':')[0]}: there is nothing to fetch")
    if entry is None:
        if here:
            return Fetched((), f"'{name}' is your own data set in {folder / name}: there is nothing to fetch")
        fetched = ", ".join(known.name for known in CATALOGUE if known.how == "fetched")
        raise UserError(f"{missing(name, folder)}; those that can be fetched are {fetched}")
    if len(here) == len(SPLITS):
        return Fetched((), f"'{name}' is in {folder / name} already: there is nothing to fetch")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            absent = [split for split in SPLITS if split not in files_of(name, folder)]
            return _download(entry, folder, absent)
    except OSError as error:
        raise UserError(
            f"cannot write to {folder} ({error.strerror or error}): name a folder that you may write to with --data-root"
        ) from error


def _download(entry: Entry, folder: Path, splits: list[SplitName]) -> Fetched:
    files = []
    metadata = Metadata(entry.shape, entry.classes, entry.source, entry.licence, entry.description)
    with tempfile.TemporaryDirectory(prefix="gibbsweep-") as downloads:
        for split in splits:
            x, y = _from_torchvision(entry, split, downloads)
            path = folder / entry.name / f"{split}.parquet"
            write_parquet(path, x, y, metadata=metadata)
            files.append(path)
    written = " and ".join(str(path) for path in files)
    return Fetched(tuple(files), f"fetched '{entry.name}' ({entry.licence}) into {written}")


def _from_torchvision(entry: Entry, split: SplitName, downloads: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from torchvision import datasets

    source = getattr(datasets, entry.torchvision)
    try:
        data = source(downloads, train=split == "train", download=True)
    except (URLError, HTTPException, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"could not download '{entry.name}' ({reason}): fetching needs the network; check it and try again, or copy "
            f"{entry.name}/train.parquet and test.parquet from a machine that has them"
        ) from error
    x = np.asarray(data.data, np.uint8)
    if x.ndim == 3:
        x = x[..., None]  # grey images come without a channel axis
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)), np.asarray(data.targets, np.int64)
