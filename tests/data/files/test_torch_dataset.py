"""Torch datasets written in canonical form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.hub import pixels
from torch.utils.data import Dataset, IterableDataset, TensorDataset
from torchvision.datasets import FakeData
from torchvision.transforms import ToTensor

from gibbsweep.data import Metadata, load, write_dataset
from gibbsweep.errors import UserError


class Items(Dataset[Any]):
    """A dataset of a list of items."""

    def __init__(self, *items: Any, classes: list[str] | None = None) -> None:
        self.items = items
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


GREY = [pixels(i, 5, 4) for i in range(4)]
RGB = [pixels(i, 5, 4, 3) for i in range(4)]
Y = [1, 0, 1, 1]


def upright(image: np.ndarray[Any, Any]) -> Image.Image:
    """A Pillow image that states the orientation 6."""
    picture = Image.fromarray(np.rot90(image).copy())
    picture.getexif()[0x0112] = 6
    return picture


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (GREY, np.stack(GREY)[:, None]),
        ([Image.fromarray(image) for image in GREY], np.stack(GREY)[:, None]),
        ([Image.fromarray(image) for image in RGB], np.stack(RGB).transpose(0, 3, 1, 2)),
        ([upright(image) for image in RGB], np.stack(RGB).transpose(0, 3, 1, 2)),
        (RGB, np.stack(RGB).transpose(0, 3, 1, 2)),
        ([torch.from_numpy(image)[None] for image in GREY], np.stack(GREY)[:, None]),
        ([ToTensor()(image) for image in RGB], np.stack(RGB).transpose(0, 3, 1, 2)),
        ([ToTensor()(image).double() for image in GREY], np.stack(GREY)[:, None]),
        ([torch.full((3,), 0.25 * i) for i in range(4)], np.repeat(np.arange(4, dtype=np.float32)[:, None] / 4, 3, 1)),
        ([np.arange(3) + i for i in range(4)], np.arange(3, dtype=np.float32) + np.arange(4)[:, None]),
    ],
)
def test_examples_are_kept_bit_for_bit(root: Path, items: list[Any], expected: np.ndarray[Any, Any]) -> None:
    paths = write_dataset("mine", Items(*items))
    assert paths == (root / "mine" / "train.parquet",)
    assert np.array_equal(load("mine", validation=0.0).train.x, expected)


def test_voxels_and_sounds(root: Path) -> None:
    voxels = [torch.from_numpy(pixels(i, 1, 4, 4, 4) > 127) for i in range(3)]
    write_dataset("solid", Items(*voxels))
    assert np.array_equal(load("solid", validation=0.0).train.x > 0, np.stack(voxels))
    sounds = [pixels(i, 1, 50).astype(np.int16) for i in range(3)]
    write_dataset("sound", Items(*sounds), metadata=Metadata(sampling_rate=8000))
    assert np.array_equal(load("sound", validation=0.0).train.x, np.stack(sounds))


@pytest.mark.parametrize(
    "items",
    [
        [(image, y) for image, y in zip(GREY, Y, strict=True)],
        [(image, torch.tensor(y)) for image, y in zip(GREY, Y, strict=True)],
        [{"image": image, "label": np.int64(y)} for image, y in zip(GREY, Y, strict=True)],
        [[image, "ba"[1 - y]] for image, y in zip(GREY, Y, strict=True)],
    ],
)
def test_labels(root: Path, items: list[Any]) -> None:
    write_dataset("mine", Items(*items), Items(*items[:2]), metadata=Metadata(licence="CC0"))
    data = load("mine", validation=0.0)
    assert data.train.batch(slice(None))["y"].tolist() == Y and data.licence == "CC0"
    assert len(data.test) == 2


def test_captions_and_names_of_classes(root: Path) -> None:
    texts = ["a b", "a c", None, "b"]
    items = [(image, y, text) for image, y, text in zip(GREY, Y, texts, strict=True)]
    write_dataset("mine", Items(*items, classes=["cat", "dog"]))
    data = load("mine", validation=0.0)
    assert data.classes == ("cat", "dog") and data.train.text(slice(None)) == texts


def test_datasets_of_libraries(root: Path) -> None:
    tensors = TensorDataset(torch.from_numpy(np.stack(GREY))[:, None], torch.tensor(Y))
    fake = FakeData(6, (3, 8, 8), num_classes=2)
    for name, dataset, shape in (("tensors", tensors, (1, 5, 4)), ("fake", fake, (3, 8, 8))):
        write_dataset(name, dataset)
        assert load(name).spec.shape == shape and len(load(name, validation=0.0).train) == len(dataset)


def test_an_iterable_dataset(root: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(GREY)

    write_dataset("mine", Stream())
    assert np.array_equal(load("mine", validation=0.0).train.x[:, 0], np.stack(GREY))


class Random(Dataset[Any]):
    """A dataset that flips at random."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return torch.rand(4)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Random(), "the train dataset of 'mine' gives another item 0 each time: leave random augmentation out"),
        (Items(torch.randn(1, 4, 4)), "item 0 of .*image of real numbers from .*ToTensor.*leave out Normalize"),
        (Items(pixels(0, 4, 4, 4)), r"item 0 of .*shape \(4, 4, 4\): expected 1 or 3 channels"),
        (Items(GREY[0], pixels(1, 6, 6)), "has examples of .*expected one shape; resize them"),
        (Items((GREY[0], 1.5)), "item 0 of .*label of type float: expected a whole number"),
        (Items((GREY[0], 1), (GREY[1], None)), "has labels for some items alone"),
        (Items((GREY[0], 1, 2)), "item 0 of .*caption of type int: expected a string"),
        (Items((GREY[0], 1, "a", 3)), "item 0 of .*4 parts: expected an example, a label and a caption at most"),
        (Items(torch.zeros(2, 3, 4, 5, 6)), "item 0 of .*shape .* and type float32: expected an image"),
        (Items(Image.new("RGBA", (4, 4))), "item 0 of .*transparency"),
        (Items({"pixels": GREY[0]}), "item 0 of .*type object: expected an image"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(root: Path, dataset: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        write_dataset("mine", dataset)
    assert not list(root.rglob("*.parquet"))
    with pytest.raises(UserError):
        write_dataset("mine", Items(*GREY), dataset)
    assert not list(root.rglob("*.parquet"))


def test_names(root: Path) -> None:
    write_dataset("mine", Items(*GREY))
    for name, message in (
        ("mine", "holds a data set already"),
        ("digits", "bundled"),
        ("a/b", "no name of a data set"),
    ):
        with pytest.raises(UserError, match=message):
            write_dataset(name, Items(*GREY))
