"""Where the splits of a view come from, and which of their rows it has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gibbsweep.data.bundled import open_bundled
from gibbsweep.data.cache import cached
from gibbsweep.data.catalogue import entry_of
from gibbsweep.data.folders import SplitName, files_of, missing
from gibbsweep.data.parquet import identity, read_header
from gibbsweep.data.reading import read_parquet
from gibbsweep.data.resize import at_size
from gibbsweep.data.table import Table
from gibbsweep.data.view import DataView
from gibbsweep.errors import UserError

Openers = dict[SplitName, Callable[[], Table]]


def openers(view: DataView, root: Path) -> Openers:
    """How to open each split that exists, in the view's size and with all its rows."""
    name, size = view.name, view.size
    files = files_of(name, root)
    entry = entry_of(name)
    if entry is not None and entry.how == "bundled":
        if files:
            raise UserError(f"{root / name} has the name of a bundled data set: rename the folder to use it")
        return {split: partial(open_bundled, entry, split, size) for split in ("train", "test")}
    if not files:
        raise missing(name, root)
    return {split: partial(_open_file, name, split, files, size) for split in files}


def _open_file(name: str, split: SplitName, files: dict[SplitName, Path], size: int | None) -> Table:
    path, vocabulary = files[split], None
    key = identity(path)
    if split == "test" and "train" in files and "text" in read_header(path).columns:
        # Both splits speak the training file's words, so a changed training file is another decoding of this one.
        vocabulary = _open_file(name, "train", files, None).vocabulary
        key = f"{key}-{identity(files['train'])}"
    stem = f"{name}-{split}"
    return at_size(stem, key, cached(stem, key, lambda: read_parquet(path, vocabulary)), size)


def no_split(name: str, split: SplitName, existing: Openers) -> UserError:
    has = " and ".join(existing)
    other = "cannot be trained on, only tested with" if split == "train" else "cannot be tested with"
    return UserError(f"data set '{name}' has only {has}.parquet and {other}: add {split}.parquet beside it")
