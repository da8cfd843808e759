"""Views that bring images of many sizes, or grey and RGB images, to one form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.hub import encoded, pixels, put, structs

from gibbsweep.data import DataView, Metadata, info, load, parse, write_parquet
from gibbsweep.data.formats.images import middle_square
from gibbsweep.data.inspection.resize_path import resize_path
from gibbsweep.data.tables.resize import resized
from gibbsweep.errors import UserError

SIZES = [(8, 8), (8, 8), (12, 12), (10, 6), (8, 8), (6, 10)]


def put_mixed(root: Path, channels: list[int], sizes: list[tuple[int, int]] = SIZES, **stated: Any) -> list[Any]:
    """ROOT/mine/{train,test}.parquet of images of these channels and sizes; the training images (C, H, W)."""
    images = [
        pixels(i, *size, *([3] if n == 3 else [])) for i, (n, size) in enumerate(zip(channels, sizes, strict=True))
    ]
    put(root / "mine" / "train.parquet", {"image": structs(*map(encoded, images))}, **stated)
    put(root / "mine" / "test.parquet", {"image": structs(*map(encoded, images[::-1]))}, **stated)
    return [image[None] if image.ndim == 2 else image.transpose(2, 0, 1) for image in images]


def at(image: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    return resized(torch.from_numpy(middle_square(image).copy())[None], size)[0]


def test_images_of_many_sizes_are_brought_to_one(root: Path) -> None:
    images = put_mixed(root, [1] * 6)
    with pytest.raises(UserError, match=r"row 2 of .* \(1, 12, 12\).*row 0 one of \(1, 8, 8\).*a view .* NAME@32"):
        load("mine")
    data = load("mine@8", validation=0.0)
    assert np.array_equal(data.train.x, np.stack([at(image, 8) for image in images]))
    assert np.array_equal(data.test.x, np.stack([at(image, 8) for image in images[::-1]]))
    assert data.note == "of 2 of 6 images, which are not square, the middle square is taken"
    assert info("mine@8")["note"] == data.note


@pytest.mark.parametrize(
    ("view", "channels"), [("mine@grey", 1), ("mine@rgb", 3), ("mine@8@grey", 1), ("mine@8@rgb", 3)]
)
def test_grey_and_rgb_images_are_brought_to_one(root: Path, view: str, channels: int) -> None:
    sizes = [(8, 8)] * 4
    images = put_mixed(root, [1, 3, 3, 1], sizes)
    with pytest.raises(UserError, match=r"row 1 of .* \(3, 8, 8\).*row 0 one of \(1, 8, 8\).*NAME@grey or NAME@rgb"):
        load("mine@8" if "@8" in view else "mine")
    x = load(view, validation=0.0).train.x
    assert x.shape == (4, channels, 8, 8)
    for got, image in zip(x.numpy(), images, strict=True):
        if image.shape[0] == channels:
            assert np.array_equal(got, image)
        elif channels == 3:
            assert all(np.array_equal(plane, image[0]) for plane in got)
        else:
            assert np.array_equal(got[0], np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")))


def test_the_stated_shape_is_held_against_every_image(root: Path) -> None:
    put_mixed(root, [1] * 6, shape=[1, 8, 8])
    with pytest.raises(UserError, match=r"row 2 of .* \(1, 12, 12\) .*states the shape \(1, 8, 8\)"):
        load("mine@4")


def test_a_set_of_one_form_may_change_it(root: Path) -> None:
    images = pixels(0, 20, 3, 6, 6)
    write_parquet(root / "colour" / "train.parquet", images, metadata=Metadata())
    plain, grey = load("colour", validation=0.0), load("colour@grey", validation=0.0)
    assert grey.spec.shape == (1, 6, 6) and grey.name == "colour@grey" and grey.fingerprint != plain.fingerprint
    same = load("colour@rgb", validation=0.0)
    assert same.train.x.equal(plain.train.x)


def test_bundled_sets_have_colours(root: Path) -> None:
    grey, rgb = load("digits", validation=0.0), load("digits@16@rgb", validation=0.0)
    assert rgb.spec.shape == (3, 16, 16) and load("digits@grey").spec == load("digits").spec
    expected = resized(grey.train.x, 16)
    assert all(np.array_equal(rgb.train.x[:, plane], expected[:, 0]) for plane in range(3))


@pytest.mark.parametrize("name", ["tones@grey", "solids@rgb", "gauss1d@grey", "sound@grey", "solid@rgb", "line@grey"])
def test_only_images_have_colours(root: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    sounds = rng.integers(-99, 99, (4, 1, 20), dtype=np.int16)
    write_parquet(root / "sound" / "train.parquet", sounds, metadata=Metadata(sampling_rate=8000))
    write_parquet(root / "solid" / "train.parquet", rng.random((4, 1, 4, 4, 4)) < 0.5, metadata=Metadata())
    write_parquet(root / "line" / "train.parquet", rng.random((4, 2)).astype(np.float32), metadata=Metadata())
    with pytest.raises(UserError, match="asks for images and data set '.*' holds none: leave @(grey|rgb) out"):
        load(name)


def test_the_grammar_of_colours() -> None:
    view = DataView("photos", (1,), size=64, colour="grey")
    assert parse("photos[1]@64@grey") == view and str(view) == "photos[1]@64@grey"
    assert parse("photos@rgb") == DataView("photos", colour="rgb")
    with pytest.raises(UserError, match="is no view of a data set.*@grey or @rgb"):
        parse("photos@blue")
    with pytest.raises(UserError, match="the colour is 'blue' in a view of 'photos': expected 'grey' or 'rgb'"):
        DataView("photos", colour="blue")  # type: ignore[arg-type]


def test_how_images_of_many_sizes_were_resized_cannot_be_compared(root: Path) -> None:
    put_mixed(root, [1] * 6)
    with pytest.raises(
        UserError, match="the images of 'mine' have no common size and colour, so how each came to .*'mine@8'"
    ):
        resize_path("mine@8")
    with pytest.raises(UserError, match="'mine@2000' is larger than 1024"):
        resize_path("mine@2000")
