"""One split of a data set on disk, whatever its files are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gibbsweep.data.catalogue.layouts import Stored
from gibbsweep.data.files.form import Form
from gibbsweep.data.files.header import Header
from gibbsweep.data.files.image_folder import ImageFolder
from gibbsweep.data.files.reading import ParquetFiles
from gibbsweep.data.tables.table import Decoded
from gibbsweep.data.tables.vocabulary import Vocabulary


class StoredSplit(Protocol):
    """A split that can be identified cheaply and decoded."""

    def identity(self) -> str:
        """Key of the content that costs little to read."""
        ...

    def header(self) -> Header:
        """What is known before any example is read."""
        ...

    def read(
        self, vocabulary: Vocabulary | None = None, form: Form | None = None, classes: Sequence[str] = ()
    ) -> Decoded:
        """Decodes all examples.

        ``vocabulary``: encodes captions; None: build one. ``form``: what images and sounds are brought to. ``classes``:
        names of the labels where the files do not state them; empty: the labels tell them.
        """
        ...


def stored_split(files: Stored) -> StoredSplit:
    """The split that ``files`` hold: a folder of images or Parquet files."""
    return ImageFolder(files[0]) if files[0].is_dir() else ParquetFiles(files)
