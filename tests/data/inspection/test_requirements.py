from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gibbsweep.data import DataNeeds, Metadata, check_data, load, write_parquet
from gibbsweep.errors import UserError


@pytest.fixture
def sets(root: Path, make_set: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 3, 4, 4), dtype=np.uint8)
    for split in ("train", "test"):
        make_set("grey", split, shape=(1, 4, 4))
        make_set("colour", split, shape=(3, 4, 4))
        make_set("wide", split, shape=(1, 4, 6))
        file = f"{split}.parquet"
        write_parquet(root / "bare" / file, images, metadata=Metadata())
        write_parquet(root / "told" / file, images, text=[f"cat {i}" for i in range(8)], metadata=Metadata())
        write_parquet(root / "solid" / file, rng.random((8, 1, 4, 4, 4)) < 0.5, metadata=Metadata())
    make_set("untested", shape=(3, 4, 4))


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("bare", DataNeeds()),
        ("gauss1d", DataNeeds(dims=1)),
        ("ring8", DataNeeds(labels=True, dims=1, channels=2)),
        ("grey[3,4]", DataNeeds(labels=True, dims=3, channels=1)),
        ("colour", DataNeeds(labels=True, dims=3, channels=3)),
        ("told", DataNeeds(text=True)),
        ("solid", DataNeeds(dims=4, channels=1, cubes=True)),
    ],
)
def test_what_fits_passes(name: str, needs: DataNeeds) -> None:
    check_data(load(name), needs)


@pytest.mark.usefixtures("sets")
@pytest.mark.parametrize(
    ("name", "needs", "message"),
    [
        (
            "bare",
            DataNeeds(labels=True),
            (
                "'bare' has no labels, and the study 'classes' needs them: "
                "choose one of digits, captioned_digits, mnist5k, ring8, two_modes, solids, tones, colour, grey"
            ),
        ),
        (
            "grey@8",
            DataNeeds(text=True),
            "'grey@8' has no captions .* needs them: choose one of captioned_digits, told",
        ),
        ("grey[3]", DataNeeds(labels=True), r"'grey\[3\]' has a single class, .* needs two or more: choose one of"),
        ("bare", DataNeeds(dims=4), r"'bare' holds images of shape \(3, 4, 4\), .* needs voxels: choose one of solid"),
        (
            "ring8",
            DataNeeds(dims=3),
            r"holds vectors of shape \(2,\), .* needs images: choose one of digits, captioned_digits, mnist5k, ",
        ),
        ("grey", DataNeeds(dims=3, channels=3), "'grey' has 1 channel, .* needs 3: choose one of bare, colour, told"),
        (
            "wide",
            DataNeeds(dims=3, cubes=True),
            "'wide' holds grids of 4 x 6, .* needs sides of one length: choose one of",
        ),
        ("grey", DataNeeds(dims=3, channels=2), r"needs 2: fetch one that has them \(`gibbsweep data list`\)"),
    ],
)
def test_what_does_not_fit_names_those_that_do(name: str, needs: DataNeeds, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_data(load(name), needs, study="classes")


@pytest.mark.usefixtures("sets")
def test_a_study_without_a_name() -> None:
    with pytest.raises(UserError, match="and this study needs them"):
        check_data(load("bare"), DataNeeds(labels=True))


@pytest.mark.usefixtures("sets")
def test_a_set_that_cannot_be_tested_is_refused_before_anything_trains(
    root: Path, make_set: Callable[..., Any]
) -> None:
    with pytest.raises(
        UserError, match="'untested' has only train.parquet and cannot be tested with: add test.parquet"
    ):
        check_data(load("untested"), DataNeeds())
    make_set("outliers", "test")
    with pytest.raises(UserError, match="'outliers' has only test.parquet and cannot be trained on"):
        check_data(load("outliers"), DataNeeds())
    make_set("odd", shape=(1, 4, 4))
    make_set("odd", "test", shape=(1, 5, 5))
    with pytest.raises(UserError, match=r"test file of 'odd' has examples of \(1, 5, 5\).*make both from one source"):
        check_data(load("odd"), DataNeeds())
    make_set("few", "test", n=5)
    make_set("few")
    with pytest.raises(UserError, match=r"'few\[7\]' keeps none of the 5 test examples"):
        check_data(load("few[7]"), DataNeeds())
    (root / "grey" / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="test.parquet is no complete Parquet file"):
        check_data(load("grey"), DataNeeds())


def test_classes_without_training_examples(root: Path) -> None:
    """A model of such classes would be asked for pictures that nobody has seen, and be judged by them."""
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 4, 4), dtype=np.uint8)
    metadata = Metadata(classes=("ant", "bee", "cow", "dog"))
    for split in ("train", "test"):
        write_parquet(root / "some" / f"{split}.parquet", images, np.arange(20) % 2 * 2, metadata=metadata)
    check_data(load("some"), DataNeeds())  # nothing asks for classes
    message = r"'some' has 4 classes and no training example of 'bee', 'dog': choose the view some\[0,2\]"
    with pytest.raises(UserError, match=message):
        check_data(load("some"), DataNeeds(labels=True))
    check_data(load("some[0,2]"), DataNeeds(labels=True))
    with pytest.raises(UserError, match=r"choose the view some\[0,2,:10\]@8"):
        check_data(load("some[:10]@8"), DataNeeds(labels=True))


def test_an_excluded_class_needs_no_training_examples() -> None:
    check_data(load("digits[-3]"), DataNeeds(labels=True))
    assert load("digits[-3]").classes_without_examples == ()
