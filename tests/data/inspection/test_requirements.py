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
    make_set("grey", shape=(1, 4, 4))
    make_set("colour", shape=(3, 4, 4))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 3, 4, 4), dtype=np.uint8)
    write_parquet(root / "bare" / "train.parquet", images, metadata=Metadata())
    write_parquet(root / "told" / "train.parquet", images, text=["a cat"] * 8, metadata=Metadata())
    make_set("wide", shape=(1, 4, 6))
    write_parquet(root / "solid" / "train.parquet", rng.random((8, 1, 4, 4, 4)) < 0.5, metadata=Metadata())


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
