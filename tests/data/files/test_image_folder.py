"""Folders of image files: class folders become labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.data.hub import encoded, pixels, save

from gibbsweep.data import catalogue_rows, check_data, info, load
from gibbsweep.data.inspection.requirements import DataNeeds
from gibbsweep.errors import UserError


def put_images(folder: Path, names: list[str], seed: int = 0) -> None:
    """PNG files, or JPEG by their suffix, of 4x4 random pixels each."""
    for i, name in enumerate(names):
        save(folder / name, encoded(pixels(100 * seed + i, 4, 4), "PNG" if name.lower().endswith(".png") else "JPEG"))


def test_class_folders_are_labels(root: Path) -> None:
    put_images(root / "pets" / "train", ["dog/b.png", "dog/a.PNG", "cat/x.jpg", "cat/deep/er/y.JPEG"])
    put_images(root / "pets" / "test", ["dog/z.png"], seed=1)
    data = load("pets", validation=0.0)
    assert data.classes == ("cat", "dog") and data.spec.shape == (1, 4, 4) and data.source == "a folder of image files"
    assert data.train.batch(slice(None))["y"].tolist() == [0, 0, 1, 1]  # sorted by path
    assert np.array_equal(data.train.x[2, 0], pixels(1, 4, 4)) and np.array_equal(data.train.x[3, 0], pixels(0, 4, 4))
    assert data.test.batch(slice(None))["y"].tolist() == [1]  # numbered as in the training split
    row = next(row for row in catalogue_rows() if row["name"] == "pets")
    assert (row["train"], row["test"], row["classes"]) == (4, 1, 2)
    assert info("pets[1]@8")["labels"] == {"dog": 2}


def test_numbered_folders_are_sorted_by_their_values(root: Path) -> None:
    put_images(root / "digits_of_mine" / "train", [f"{i}/a.png" for i in range(12)])
    assert load("digits_of_mine").classes == tuple(map(str, range(12)))


def test_images_without_classes(root: Path) -> None:
    put_images(root / "flat" / "train", ["a.png", "b.png", "c.png"])
    put_images(root / "flat" / "test", ["d.png"], seed=1)
    data = load("flat", validation=0.3)
    assert data.classes == () and set(data.train.batch(slice(None))) == {"x"} and len(data.test) == 1


@pytest.mark.parametrize("names", [["a.png", "b.png", "c.png"], ["cat/a.png", "cat/b.png", "dog/c.png"]])
def test_a_folder_without_splits_trains_and_says_how_to_test(root: Path, names: list[str]) -> None:
    put_images(root / "mine", names)
    data = load("mine", validation=0.3)
    assert len(data.train) == 2
    with pytest.raises(
        UserError, match=r"only the images in .*/mine and cannot be tested with: move .* into .*/mine/train"
    ):
        check_data(data, DataNeeds())


def test_a_changed_image_is_decoded_anew(root: Path) -> None:
    put_images(root / "mine" / "train", ["a.png", "b.png"])
    before = load("mine", validation=0.0)
    save(root / "mine" / "train" / "b.png", encoded(pixels(9, 4, 4)))
    after = load("mine", validation=0.0)
    assert after.fingerprint != before.fingerprint and np.array_equal(after.train.x[1, 0], pixels(9, 4, 4))
    put_images(root / "mine" / "train", ["c.png"], seed=3)
    assert len(load("mine", validation=0.0).train) == 3


def test_what_is_no_image_is_left_out_and_said(root: Path) -> None:
    put_images(root / "mine" / "train", ["cat/a.png", "cat/b.png", "cat/.hidden.png"])
    for name in ("metadata.jsonl", "cat/notes.txt", ".DS_Store"):
        save(root / "mine" / "train" / name, b"{}")
    (root / "mine" / "train" / "empty").mkdir()
    data = load("mine", validation=0.0)
    assert len(data.train) == 2 and data.classes == ("cat",)
    assert data.note == "files that are no images are not read: cat/notes.txt, metadata.jsonl"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("cat/x.webp", encoded(pixels(0, 4, 4), "WEBP"), "cat/x.webp is WEBP: expected PNG or JPEG; convert it"),
        ("cat/x.gif", encoded(pixels(0, 4, 4), "GIF"), "cat/x.gif is GIF: expected PNG or JPEG"),
        ("cat/x.png", b"", "cat/x.png is an empty file: replace or remove it"),
        ("cat/x.png", b"no image", "cat/x.png cannot be decoded as PNG or JPEG"),
        (
            "cat/x.png",
            encoded(pixels(0, 5, 4)),
            r"cat/x.png of .*train is an example of \(1, 5, 4\).*cat/a.png one of \(1, 4, 4\)",
        ),
        (
            "x.png",
            encoded(pixels(0, 4, 4)),
            "holds images beside folders of images, such as x.png: put each into the folder",
        ),
        ("cat/\n.png", encoded(pixels(0, 4, 4)), "name of the image .* cannot be printed: rename it"),
    ],
)
def test_an_image_that_cannot_be_read_is_named(root: Path, name: str, content: bytes, message: str) -> None:
    put_images(root / "mine" / "train", ["cat/a.png", "cat/b.png"])
    save(root / "mine" / "train" / name, content)
    with pytest.raises(UserError, match=message):
        load("mine")


def test_a_class_that_only_the_test_split_has(root: Path) -> None:
    put_images(root / "mine" / "train", ["cat/a.png", "dog/b.png"])
    put_images(root / "mine" / "test", ["cow/c.png"], seed=1)
    with pytest.raises(UserError, match="test has the label 'cow', which is none of the 2 classes cat, dog"):
        _ = load("mine", validation=0.0).test


def test_images_in_splits_and_in_classes(root: Path) -> None:
    put_images(root / "mine", ["train/cat/a.png", "dog/b.png"])
    with pytest.raises(UserError, match="holds images in 'train' and in 'dog': expected folders of splits"):
        load("mine")


def test_links_are_followed_once(root: Path) -> None:
    put_images(root / "elsewhere", ["a.png", "b.png"])
    (root / "mine" / "train").mkdir(parents=True)
    os.symlink(root / "elsewhere", root / "mine" / "train" / "cat")
    os.symlink(root / "mine" / "train", root / "elsewhere" / "loop")
    data = load("mine", validation=0.0)
    assert data.classes == ("cat",) and len(data.train) == 2
    os.symlink(root / "nowhere.png", root / "elsewhere" / "c.png")
    with pytest.raises(UserError, match="cannot read .*cat/c.png .*make it readable or remove it"):
        load("mine")
