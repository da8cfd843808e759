"""Writes a torch ``Dataset`` as a data set in canonical form, so that every trial of a sweep can load it by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from gibbsweep.data.catalogue.catalogue import entry_of
from gibbsweep.data.catalogue.folders import data_root
from gibbsweep.data.catalogue.layouts import SplitName, files_of, is_name
from gibbsweep.data.files.writing import Part, write_parts
from gibbsweep.data.formats.images import grey_or_rgb
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.errors import UserError

_ROWS = 1000  # examples a part

_X = ("x", "image", "img", "voxels", "audio", "vector", "pixel_values")
_Y = ("y", "label", "labels", "target")
_TEXT = ("text", "caption")
"""Names that items may have where they are mappings, in the order in which they are looked for."""


def write_dataset(
    name: str,
    train: Any,
    test: Any | None = None,
    *,
    root: Path | str | None = None,
    metadata: Metadata | None = None,
) -> tuple[Path, ...]:
    """Writes torch datasets as ``ROOT/NAME/{train,test}.parquet``. Returns the paths; existing files are an error.

    Example::

        write_dataset("mine", torchvision.datasets.FakeData(), test, metadata=Metadata(licence="CC0"))
        load("mine")

    Items are examples, pairs (example, label), triples (example, label, caption), or mappings with the keys ``x`` or
    ``image``, ``y`` or ``label``, and ``text``. Examples are Pillow images, image arrays (C, H, W) or (H, W) of bytes
    or of bytes over 255 as ``ToTensor`` makes them, voxels (1, H, H, H) of type bool, sounds (1, L) of type int16, or
    vectors (D,) of real numbers. Labels are whole numbers from 0, or names. Names of the classes are those of
    ``metadata``, else the dataset's ``classes``. Datasets that draw at random are refused: augmentation is no part of a
    data set.
    """
    if not is_name(name):
        raise UserError(f"'{name}' is no name of a data set: expected letters, digits, dots, dashes and underscores")
    entry = entry_of(name)
    if entry is not None and entry.how == "bundled":
        raise UserError(f"'{name}' is the name of a bundled data set: choose another name")
    folder = data_root(root)
    if files_of(name, folder):
        raise UserError(f"{folder / name} holds a data set already: choose another name, or remove it first")
    datasets: dict[SplitName, Any] = {"train": train}
    if test is not None:
        datasets["test"] = test
    written: list[Path] = []
    try:
        for split, dataset in datasets.items():
            path = folder / name / f"{split}.parquet"
            stated = _with_classes(metadata or Metadata(), dataset)
            write_parts(path, _parts(dataset, f"the {split} dataset of '{name}'"), metadata=stated)
            written.append(path)
    except BaseException:
        for path in written:  # half a data set is none
            path.unlink()
        raise
    return tuple(written)


def _with_classes(metadata: Metadata, dataset: Any) -> Metadata:
    classes = metadata.classes or tuple(str(name) for name in getattr(dataset, "classes", None) or ())
    return replace(metadata, classes=classes)


def _parts(dataset: Any, of: str) -> Iterator[Part]:
    items = ((f"item {i} of {of}", item) for i, item in enumerate(_items(dataset, of)))
    rest = (_example(item, where) for where, item in items)
    while some := list(islice(rest, _ROWS)):
        x, y, text = zip(*some, strict=True)
        shapes = {example.shape for example in x}
        if len(shapes) > 1:
            raise UserError(
                f"{of} has examples of {', '.join(map(str, sorted(shapes)[:3]))}: expected one shape; resize them in "
                "the dataset, or write image files into a folder, which a view NAME@32 resizes"
            )
        if any((label is None) != (y[0] is None) for label in y):
            raise UserError(f"{of} has labels for some items alone: label all of them, or none")
        yield Part(np.stack(x), None if y[0] is None else list(y), list(text) if any(text) else None)


def _items(dataset: Any, of: str) -> Iterator[Any]:
    """All items; a dataset that has a length is read by index, as its samplers would."""
    if not hasattr(dataset, "__len__"):
        yield from dataset
        return
    if len(dataset):
        first, again = (_example(dataset[0], f"item 0 of {of}")[0] for _ in range(2))
        if first.shape != again.shape or not np.array_equal(first, again):
            raise UserError(f"{of} gives another item 0 each time: leave random augmentation out")
    for index in range(len(dataset)):
        yield dataset[index]


def _example(item: Any, where: str) -> tuple[NDArray[Any], int | str | None, str | None]:
    """The example (*D), the label and the caption of an item."""
    x, y, text = item, None, None
    if isinstance(item, Mapping):
        x, y, text = (next((item[key] for key in keys if key in item), None) for keys in (_X, _Y, _TEXT))
    elif isinstance(item, (tuple, list)):
        if not 1 <= len(item) <= 3:
            raise UserError(f"{where} has {len(item)} parts: expected an example, a label and a caption at most")
        x, y, text = (*item, None, None)[:3]
    if text is not None and not isinstance(text, str):
        raise UserError(f"{where} has a caption of type {type(text).__name__}: expected a string, or None")
    return _array(x, where), _label(y, where), text


def _label(y: Any, where: str) -> int | str | None:
    if isinstance(y, (torch.Tensor, np.ndarray)) and y.ndim == 0:
        y = y.item()
    if y is None or isinstance(y, str):
        return y
    if isinstance(y, (int, np.integer)) and not isinstance(y, bool):
        return int(y)
    raise UserError(f"{where} has a label of type {type(y).__name__}: expected a whole number from 0, a name, or None")


def _array(x: Any, where: str) -> NDArray[Any]:
    if isinstance(x, Image.Image):
        return grey_or_rgb(x, where=where)
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    array: NDArray[Any] = np.asarray(x)
    real = bool(np.issubdtype(array.dtype, np.floating))
    if array.ndim in (2, 3) and (real or array.dtype == np.uint8):
        return _image(array, where)
    if array.ndim == 1 and (real or np.issubdtype(array.dtype, np.integer)):
        vector = array.astype(np.float32)
        if not real and (vector.astype(np.float64) != array).any():
            raise UserError(f"{where} holds a whole number beyond 2^24, which float32 cannot hold: scale the vectors")
        return vector
    if (array.ndim == 4 and array.dtype == np.bool_) or (array.ndim == 2 and array.dtype == np.int16):
        return array
    raise UserError(
        f"{where} is an example of shape {array.shape} and type {array.dtype}: expected an image (C, H, W) of bytes, "
        "voxels (1, H, H, H) of type bool, a sound (1, L) of type int16, or a vector (D,) of real numbers"
    )


def _image(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """An image (H, W), (C, H, W) or (H, W, C) to (C, H, W) bytes."""
    image = array[None] if array.ndim == 2 else array
    if image.shape[0] not in (1, 3) and image.shape[-1] in (1, 3):
        image = image.transpose(2, 0, 1)
    if image.shape[0] not in (1, 3):
        raise UserError(f"{where} is an image of shape {array.shape}: expected 1 or 3 channels, grey or RGB")
    if image.dtype == np.uint8:
        return image
    levels = image.astype(np.float64) * 255
    whole = np.rint(levels)
    if not (np.abs(levels - whole) < 0.01).all() or whole.min() < 0 or whole.max() > 255:
        raise UserError(
            f"{where} is an image of real numbers from {image.min():.4g} to {image.max():.4g}: expected bytes, or "
            "bytes over 255 as ToTensor makes them; leave out Normalize and whatever else changes them"
        )
    return whole.astype(np.uint8)
