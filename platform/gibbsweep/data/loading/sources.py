"""Opens the tables that a view's splits are cut from: bundled or from files, at the view's size, colour and rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from gibbsweep.data.bundled.opener import open_bundled
from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.folders import missing
from gibbsweep.data.catalogue.layouts import SplitName, Stored, files_of, validation_of
from gibbsweep.data.files.form import Form
from gibbsweep.data.files.header import Header
from gibbsweep.data.files.stored import StoredSplit, stored_split
from gibbsweep.data.formats.images import CHANNELS
from gibbsweep.data.formats.wav import LONGEST
from gibbsweep.data.loading.view import DataView
from gibbsweep.data.tables.cache import cached
from gibbsweep.data.tables.resize import at_size, check_colour, check_edge
from gibbsweep.data.tables.table import Table
from gibbsweep.data.tables.vocabulary import Vocabulary
from gibbsweep.errors import UserError

Openers = dict[SplitName, Callable[[], Table]]
"""For each split that exists, a function that opens its table."""

_DIMS = {"vector": 1, "audio": 2, "image": 3, "voxels": 4}  # axes of an example, channels included


def openers(view: DataView, root: Path) -> Openers:
    """Functions that open each split that exists, in the view's form and with all its rows."""
    name = view.name
    entry = entry_of(name)
    if entry is not None and entry.how == "bundled":
        if _hidden_by_bundled(name, root):
            raise UserError(f"{root / name} has the name of a bundled data set: rename the folder to use it")
        if view.rate is not None:
            raise UserError(
                f"'{view}' is resampled and '{name}' is bundled at a rate of its own: leave @{view.rate}Hz out"
            )
        return {split: partial(open_bundled, entry, split, view.size, view.colour) for split in ("train", "test")}
    files = files_of(name, root)
    if not files:
        raise missing(name, root)
    return {split: partial(_open_split, view, split, files) for split in files}


def _hidden_by_bundled(name: str, root: Path) -> bool:
    """Whether a folder under ``root`` has the name of a bundled data set; one that cannot be read does no harm."""
    try:
        return bool(files_of(name, root))
    except UserError:
        return False


def _open_split(view: DataView, split: SplitName, files: dict[SplitName, Stored]) -> Table:
    stored = stored_split(files[split])
    key, header = stored.identity(), stored.header()
    if view.rate is not None and header.kind != "audio":
        raise UserError(f"'{view}' is resampled and '{view.name}' holds no sounds: leave @{view.rate}Hz out")
    if view.colour is not None and header.kind is not None:
        check_colour(view.name, _DIMS[header.kind], view.colour)
    vocabulary: Vocabulary | None = None
    classes: Sequence[str] = ()
    if split == "test" and "train" in files and (header.captioned or (header.labelled and not header.states_classes)):
        # Words and classes of both splits have the numbers of the training split: another one, another encoding.
        train = _open_split(view, "train", files)
        vocabulary, classes = train.vocabulary, train.metadata.classes
        key = f"{key}-{stored_split(files['train']).identity()}"
    return _table(view, f"{view.name}-{split}", key, stored, header, vocabulary, classes)


def _table(
    view: DataView,
    stem: str,
    key: str,
    stored: StoredSplit,
    header: Header,
    vocabulary: Vocabulary | None,
    classes: Sequence[str],
) -> Table:
    """Opens a split in the view's form, which images and sounds are brought to while they are decoded.

    A longer view of sounds needs what a shorter copy lost, and images of many sizes have no common copy.
    """
    if header.kind == "audio":
        if view.size is not None and view.size > LONGEST:
            raise UserError(f"'{view}' is longer than {LONGEST} samples: choose a smaller length")
        entry = entry_of(view.name)
        usual = entry.shape[-1] if entry is not None and not header.metadata.shape else None
        form = Form(size=view.size, rate=view.rate, usual=usual)
        length = view.size or usual
        stem += (f"@{length}" if length else "") + (f"@{view.rate}Hz" if view.rate else "")
    elif header.kind == "image":
        if view.size is not None:
            check_edge(view.name, view.size)
        size, colour = view.size, view.colour
        stated = header.metadata.shape
        if len(stated) == 3:  # a form that the images have already needs no copy of its own
            size = None if stated[1:] == (size, size) else size
            colour = None if colour and stated[0] == CHANNELS[colour] else colour
        form = Form(size=size, colour=colour)
        stem += (f"@{size}" if size else "") + (f"@{colour}" if colour else "")
    else:
        whole = cached(stem, key, lambda: stored.read(vocabulary, classes=classes))
        return at_size(stem, key, whole, view.size)
    return cached(stem, key, lambda: stored.read(vocabulary, form, classes))


def no_split(name: str, split: SplitName, root: Path) -> UserError:
    """The error for a split that data set ``name`` does not have."""
    files = files_of(name, root)
    other = "cannot be trained on, only tested with" if split == "train" else "cannot be tested with"
    validation = validation_of(name, root)
    unread = f" (its split '{validation}' is not read: rename it to use it as '{split}')" if validation else ""
    if any(paths[0].is_dir() for paths in files.values()):
        has = " and ".join(str(paths[0]) for paths in files.values())
        if split == "test" and files.get("train") == (root / name,):
            remedy = f"move its images, or its folders of classes, into {root / name}/train and some of them into test"
        else:
            remedy = f"add a folder {split} of images beside it"
        return UserError(f"data set '{name}' has only the images in {has} and {other}: {remedy}{unread}")
    has = " and ".join(f"{split}.parquet" for split in files)
    return UserError(f"data set '{name}' has only {has} and {other}: add {split}.parquet beside it{unread}")
