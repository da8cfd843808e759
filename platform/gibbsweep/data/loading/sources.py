"""Opens the tables that a view's splits are cut from: bundled or from Parquet files, at the view's size and rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from gibbsweep.data.bundled.opener import open_bundled
from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.folders import SplitName, files_of, missing
from gibbsweep.data.files.columns import example_column
from gibbsweep.data.files.header import identity, read_header
from gibbsweep.data.files.reading import read_parquet
from gibbsweep.data.files.recordings import AudioForm
from gibbsweep.data.formats.wav import LONGEST
from gibbsweep.data.loading.view import DataView
from gibbsweep.data.tables.cache import cached
from gibbsweep.data.tables.resize import at_size
from gibbsweep.data.tables.table import Table
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError

Openers = dict[SplitName, Callable[[], Table]]
"""For each split that exists, a function that opens its table."""


def openers(view: DataView, root: Path) -> Openers:
    """Functions that open each split that exists, at the view's size and with all its rows."""
    name, size = view.name, view.size
    files = files_of(name, root)
    entry = entry_of(name)
    if entry is not None and entry.how == "bundled":
        if files:
            raise UserError(f"{root / name} has the name of a bundled data set: rename the folder to use it")
        if view.rate is not None:
            raise UserError(
                f"'{view}' is resampled and '{name}' is bundled at a rate of its own: leave @{view.rate}Hz out"
            )
        return {split: partial(open_bundled, entry, split, size) for split in ("train", "test")}
    if not files:
        raise missing(name, root)
    return {split: partial(_open_file, view, split, files) for split in files}


def _open_file(view: DataView, split: SplitName, files: dict[SplitName, Path]) -> Table:
    path, vocabulary = files[split], None
    key, header = identity(path), read_header(path)
    sounds = example_column(header.columns) == "audio"
    if view.rate is not None and not sounds:
        raise UserError(f"'{view}' is resampled and '{view.name}' holds no sounds: leave @{view.rate}Hz out")
    if split == "test" and "train" in files and "text" in header.columns:
        # Captions of both splits are encoded with the training file's words: another training file, another encoding.
        of_train = view if sounds else DataView(view.name)
        vocabulary = _open_file(of_train, "train", files).vocabulary
        key = f"{key}-{identity(files['train'])}"
    stem = f"{view.name}-{split}"
    if sounds:
        return _open_sounds(view, stem, key, path, vocabulary, stated=bool(header.metadata.shape))
    return at_size(stem, key, cached(stem, key, lambda: read_parquet(path, vocabulary)), view.size)


def _open_sounds(
    view: DataView, stem: str, key: str, path: Path, vocabulary: Vocabulary | None, *, stated: bool
) -> Table:
    """Opens recordings. They are cut or padded while they are decoded: a longer view needs what a shorter copy lost."""
    if view.size is not None and view.size > LONGEST:
        raise UserError(f"'{view}' is longer than {LONGEST} samples: choose a smaller length")
    entry = entry_of(view.name)
    usual = entry.shape[-1] if entry is not None and not stated else None
    form = AudioForm(view.size, view.rate, usual)
    length = view.size or usual
    stem += (f"@{length}" if length else "") + (f"@{view.rate}Hz" if view.rate else "")
    return cached(stem, key, lambda: read_parquet(path, vocabulary, form))


def no_split(name: str, split: SplitName, existing: Openers) -> UserError:
    """The error for a split that data set ``name`` does not have."""
    has = " and ".join(existing)
    other = "cannot be trained on, only tested with" if split == "train" else "cannot be tested with"
    return UserError(f"data set '{name}' has only {has}.parquet and {other}: add {split}.parquet beside it")
