"""Writes a known data set in canonical form: ``gibbsweep data fetch``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from gibbsweep.data.catalogue.catalogue import CATALOGUE, entry_of
from gibbsweep.data.catalogue.entry import Entry
from gibbsweep.data.catalogue.folders import absolute, data_root, missing
from gibbsweep.data.catalogue.layouts import SPLITS, files_of
from gibbsweep.data.files.writing import write_parts
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Fetched:
    """What :func:`fetch` did.

    Example::

        fetch("mnist").message
    """

    files: tuple[Path, ...]
    """Files that were written; empty where there was nothing to do."""
    message: str
    """A sentence to print."""


def fetch(name: str, root: Path | str | None = None, source: Path | str | None = None) -> Fetched:
    """Writes data set ``name`` to ``ROOT/NAME/{train,test}.parquet``; a file that exists is left alone.

    ``root``: the folder of data sets; None: ``$GIBBSWEEP_DATA``, else the user's data folder. ``source``: the set's own
    files, where the user has them; None: download them, where their licence allows it.
    """
    folder, entry = data_root(root), entry_of(name)
    here = files_of(name, folder)
    if entry is not None and entry.how == "bundled":
        return Fetched((), f"'{name}' is bundled with {entry.source.split(':')[0]}: there is nothing to fetch")
    if entry is None:
        if here:
            return Fetched((), f"'{name}' is your own data set in {folder / name}: there is nothing to fetch")
        fetched = ", ".join(each.name for each in CATALOGUE if each.how == "fetched")
        raise UserError(f"{missing(name, folder)}; those that can be fetched are {fetched}")
    if len(here) == len(SPLITS):
        return Fetched((), f"'{name}' is in {folder / name} already: there is nothing to fetch")
    if entry.how == "drop-in" or (entry.how == "given" and source is None):
        raise UserError(f"'{name}' cannot be downloaded by Gibbsweep: {entry.how_to}")
    with _workspace(folder, name) as downloads:
        return _write(entry, folder, downloads, None if source is None else absolute(source, "--from"))


@contextmanager
def _workspace(folder: Path, name: str) -> Iterator[Path]:
    """A temporary folder for downloads beside the data sets, which need room there anyway; one process at a time has
    it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f".{name}.lock").acquire()
        downloads = tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-")
    except OSError as error:
        raise UserError(
            f"cannot write to {folder} ({error.strerror or error}): name a folder that you may write to with "
            "--data-root"
        ) from error
    with lock, downloads as path:
        yield Path(path)


def _write(entry: Entry, folder: Path, downloads: Path, user_files: Path | None) -> Fetched:
    from gibbsweep.data.fetchers.by_name import FETCHERS
    from gibbsweep.data.fetchers.source import Source

    source = Source(downloads, download=True) if user_files is None else Source(user_files, download=False)
    files = []
    present = files_of(entry.name, folder)
    for split in (split for split in SPLITS if split not in present):
        loaded = FETCHERS[entry.name](entry, split, source)
        shape = entry.shape if entry.sampling_rate else ()  # other kinds take it from their examples
        metadata = Metadata(shape, loaded.classes, entry.source, entry.licence, entry.description, entry.sampling_rate)
        path = folder / entry.name / f"{split}.parquet"
        write_parts(path, loaded.parts, metadata=metadata)
        files.append(path)
    written = " and ".join(str(path) for path in files)
    return Fetched(tuple(files), f"fetched '{entry.name}' ({entry.licence}) into {written}")
