"""Takes a folder of image files into the data sets of a machine, under a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.folders import data_root
from gibbsweep.data.catalogue.layouts import SPLITS, SplitName, files_of, is_name
from gibbsweep.data.files.form import Form
from gibbsweep.data.files.image_folder import ImageFolder
from gibbsweep.data.files.writing import Part, write_parts
from gibbsweep.data.formats.images import Colour
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError

TEST_SHARE = 10
"""Of a folder without splits, one image in so many of each class becomes the test split."""
_ROWS = 1000  # images a part

Example = tuple[str, str | None, NDArray[Any]]


def import_images(
    folder: Path | str,
    name: str,
    *,
    size: int | None = None,
    colour: Colour | None = None,
    root: Path | str | None = None,
) -> dict[SplitName, Path]:
    """Write the images of ``folder`` as ``ROOT/NAME/{train,test}.parquet``. Returns the paths by split::

        import_images("photographs", "pets", size=32)
        load("pets")

    Folders of classes become labels. A ``folder`` that holds ``train`` and ``test`` keeps them; of another, every tenth
    image of each class is for testing. ``size``: the edge that the middle square of each image is brought to.
    ``colour``: ``grey`` or ``rgb``. Raises UserError where there are no images, or images of several forms.
    """
    source = Path(folder).expanduser()
    if not source.is_dir():
        raise UserError(f"there is no folder {source}: name one that holds image files.")
    if size is not None and size < 1:
        raise UserError(f"--size must be at least 1: got {size}.")
    if not is_name(name):
        raise UserError(f"{name!r} is no name of a data set: expected letters, digits, dots, dashes and underscores.")
    entry = entry_of(name)
    if entry is not None:
        raise UserError(f"{name!r} is the name of a data set that Gibbsweep knows: choose another --name.")
    target = data_root(root)
    if files_of(name, target):
        raise UserError(f"{target / name} holds a data set already: choose another --name, or remove it first.")
    written: dict[SplitName, Path] = {}
    try:
        for split, examples, classes in _splits(source, Form(size=size, colour=colour)):
            path = target / name / f"{split}.parquet"
            stated = Metadata(classes=classes, source=f"image files of the folder {source.resolve().name}")
            write_parts(path, _parts(examples, source), metadata=stated)
            written[split] = path
    except BaseException:
        for path in written.values():  # half a data set is none
            path.unlink()
        raise
    return written


def _splits(source: Path, form: Form) -> Iterator[tuple[SplitName, Iterator[Example], tuple[str, ...]]]:
    """Each split with its images and the names of all classes."""
    if (source / "train").is_dir():
        folders: dict[SplitName, ImageFolder] = {
            split: ImageFolder(source / split) for split in SPLITS if (source / split).is_dir()
        }
        classes = folders["train"].header().metadata.classes
        for split, folder in folders.items():
            _check_some(folder)
            yield split, folder.examples(form), classes
        return
    whole = ImageFolder(source)
    count = _check_some(whole)
    classes = whole.header().metadata.classes
    yield "train", (example for example, testing in _marked(whole, form) if not testing), classes
    if count > 1:
        yield "test", (example for example, testing in _marked(whole, form) if testing), classes


def _check_some(folder: ImageFolder) -> int:
    """The number of images; UserError where there are none."""
    count = folder.header().rows
    if not count:
        raise UserError(f"{folder.path} holds no image files: name a folder of PNG or JPEG files, or of class folders.")
    return count


def _marked(folder: ImageFolder, form: Form) -> Iterator[tuple[Example, bool]]:
    """Each image, and whether it is for testing: the second of its class, and every tenth after it."""
    seen: Counter[str | None] = Counter()
    for example in folder.examples(form):
        seen[example[1]] += 1
        yield example, seen[example[1]] % TEST_SHARE == 2


def _parts(examples: Iterator[Example], source: Path) -> Iterator[Part]:
    first: Example | None = None
    while some := list(islice(examples, _ROWS)):
        first = some[0] if first is None else first
        for path, _, pixels in some:
            if pixels.shape != first[2].shape:
                raise UserError(
                    f"{source} holds images of several forms, {first[0]} {first[2].shape} and {path} {pixels.shape} "
                    "(channels, height, width): bring them to one with --size 32, or --colour grey or rgb."
                )
        labels = [label for _, label, _ in some if label is not None]
        yield Part(np.stack([pixels for _, _, pixels in some]), labels or None)
