"""Reads a folder of image files, with a folder for each class or none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.catalogue.layouts import is_image
from gibbsweep.data.files.columns import Images
from gibbsweep.data.files.form import Form
from gibbsweep.data.files.header import Header
from gibbsweep.data.files.labels import Labels, sorted_names
from gibbsweep.data.files.reading import completed, gathered
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.table import Decoded
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError

_SOURCE = "a folder of image files"


@dataclass(frozen=True)
class ImageFolder:
    """The image files of one split: directly in a folder, without labels, or in a folder for each class.

    Example::

        ImageFolder(Path("data/pets/train")).header().metadata.classes      # ("cat", "dog")

    Classes are the folders that hold images, at any depth, in alphabetical order (numbers by their values).
    """

    path: Path
    """The folder."""

    def __str__(self) -> str:
        return str(self.path)

    def identity(self) -> str:
        """Hash of the names, sizes and modification times of all images."""
        digest = hashlib.sha256()
        for name, status in self._images():
            digest.update(f"{name}\0{status.st_size} {status.st_mtime_ns}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()[:20]

    def header(self) -> Header:
        """Number of images and classes, from their names alone."""
        names = [name for name, _ in self._images()]
        classes = sorted_names({name.split("/")[0] for name in names if "/" in name})
        return Header(len(names), Metadata(classes=classes, source=_SOURCE), "image", labelled=bool(classes))

    def read(
        self, vocabulary: Vocabulary | None = None, form: Form | None = None, classes: Sequence[str] = ()
    ) -> Decoded:
        """Reads the images (N, C, H, W) uint8, sorted by their paths, and their labels.

        ``form``: size and colour that they are brought to. ``classes``: those of the training split, for a test split.
        """
        names = [name for name, _ in self._images()]
        of_classes = self._classes_of(names)
        labels = None
        if of_classes is not None:
            labels = Labels(str(self.path), pa.string(), classes)
            labels.add(pa.array(of_classes, pa.string()))
        decoder = Images((), form or Form())
        x = gathered(self._examples(names, decoder), len(names), decoder.dtype)
        metadata = decoder.completed(Metadata(source=_SOURCE), len(names))
        return completed(x, labels, None, vocabulary, metadata, self, self._remark())

    def examples(self, form: Form) -> Iterator[tuple[str, str | None, NDArray[Any]]]:
        """The path of each image below the folder, its class (None without classes) and its pixels (C, H, W) uint8,
        sorted by their paths, one at a time. Shapes may differ where ``form`` leaves them."""
        names = [name for name, _ in self._images()]
        of_classes = self._classes_of(names)
        examples = self._examples(names, Images((), form))
        for i, (name, _, example) in enumerate(examples):
            yield name, None if of_classes is None else of_classes[i], example

    def _classes_of(self, names: list[str]) -> list[str] | None:
        """The class of each image, or None where they lie in no folders of classes."""
        loose = [name for name in names if "/" not in name]
        if loose and len(loose) < len(names):
            raise UserError(
                f"{self.path} holds images beside folders of images, such as {loose[0]}: put each into the folder of "
                "its class"
            )
        return None if loose else [name.split("/")[0] for name in names]

    def _remark(self) -> str:
        """A phrase on files that are no images, so that nobody takes them for read; empty where there are none."""
        others = sorted(name for name in self._walk() if not is_image(name.rpartition("/")[2]))
        if not others:
            return ""
        return f"files that are no images are not read: {', '.join(others[:3])}{', ...' if len(others) > 3 else ''}"

    def _examples(self, names: list[str], decoder: Images) -> Iterator[tuple[str, object, NDArray[Any]]]:
        examples = decoder.examples((self._content(name), str(self.path / name)) for name in names)
        return ((name, self.path, example) for name, example in zip(names, examples, strict=True))

    def _content(self, name: str) -> bytes:
        path = self.path / name
        with _readable(path):
            content = path.read_bytes()
        if not content:
            raise UserError(f"{path} is an empty file: replace or remove it")
        return content

    def _images(self) -> list[tuple[str, os.stat_result]]:
        """Paths of all images, relative and with forward slashes, sorted, and what the file system states of them."""
        images = []
        for name in sorted(name for name in self._walk() if is_image(name.rpartition("/")[2])):
            if not name.isprintable():
                raise UserError(f"the name of the image {name!r} in {self.path} cannot be printed: rename it")
            with _readable(self.path / name):
                images.append((name, os.stat(self.path / name)))
        return images

    def _walk(self) -> Iterator[str]:
        """Paths of all files, relative and with forward slashes, in no order; without hidden ones."""
        seen = set()
        with _readable(self.path):
            for folder, folders, files in os.walk(self.path, followlinks=True):
                place = os.stat(folder)
                if (place.st_dev, place.st_ino) in seen:  # a link back to a folder above it
                    folders.clear()
                    continue
                seen.add((place.st_dev, place.st_ino))
                folders[:] = [name for name in folders if not name.startswith((".", "__"))]
                prefix = Path(folder).relative_to(self.path)
                yield from ((prefix / name).as_posix() for name in files if not name.startswith("."))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns an OSError into a sentence on ``path``."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror or error}): make it readable or remove it") from error
