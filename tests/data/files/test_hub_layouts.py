"""Layouts of the Hugging Face hub: shards, folders of configurations, names and types of columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.data.hub import FILE, encoded, pictures, pixels, put
from tests.data.sounds import noise, wav

from gibbsweep.cli import main
from gibbsweep.data import catalogue_rows, info, load, load_split
from gibbsweep.errors import UserError

CLASS_LABEL = {"names": ["cat", "dog"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    "pattern",
    [
        "{split}-{i:05}-of-{n:05}.parquet",
        "data/{split}-{i:05}-of-{n:05}.parquet",
        "data/{split}-{i:05}-of-{n:05}-a09b74b3ef9c3b56.parquet",
        "plain_text/{split}-{i:05}-of-{n:05}.parquet",
        "default/{split}/{i:04}.parquet",
        "{split}/{i:04}.parquet",
    ],
)
def test_shards_are_one_split_in_order(root: Path, pattern: str) -> None:
    columns = {"img": pictures(7), "label": [0, 1, 1, 0, 0, 1, 0]}
    whole = pa.table(columns)
    for i, part in enumerate((whole.slice(0, 3), whole.slice(3, 1), whole.slice(4))):
        put(
            root / "mine" / pattern.format(split="train", i=i, n=3),
            dict(zip(part.schema.names, part.columns, strict=True)),
        )
    put(root / "mine" / pattern.format(split="test", i=0, n=1), {"img": pictures(2, 1), "label": [1, 0]})
    put(root / "whole" / "train.parquet", {"image": columns["img"], "label": columns["label"]})
    data, expected = load("mine", validation=0.0), load("whole", validation=0.0)
    assert data.train.x.equal(expected.train.x) and data.train.y.equal(expected.train.y)  # type: ignore[union-attr]
    assert data.fingerprint == expected.fingerprint
    assert len(data.test) == 2 and data.test.y.tolist() == [1, 0]  # type: ignore[union-attr]
    row = next(row for row in catalogue_rows() if row["name"] == "mine")
    assert (row["train"], row["test"], row["present"]) == (7, 2, True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["train-00000-of-00002.parquet"], "each of the 2 parts once; copy or fetch it again"),
        (["data/train-00001-of-00002.parquet"], "each of the 2 parts once"),
        (
            ["train-00000-of-00001.parquet", "train.parquet"],
            "train-00000-of-00001.parquet, train.parquet for the split",
        ),
        (["a/train.parquet", "b/train.parquet"], "2 configurations, a, b: move each into a folder of its own"),
        (["notes.parquet"], "holds no data set: expected train.parquet or test.parquet, the shards"),
        (["readme.txt"], "holds no data set"),
    ],
)
def test_a_layout_that_cannot_be_read(root: Path, files: list[str], message: str) -> None:
    for name in files:
        put(root / "mine" / name, {"image": pictures(3)})
    with pytest.raises(UserError, match=message):
        load("mine")
    listed = [row for row in catalogue_rows() if row["name"] == "mine"]
    assert all(message[:10] in row["description"] or not row["train"] for row in listed)


def test_a_shard_of_another_export(root: Path) -> None:
    for i, names in enumerate((["cat", "dog"], ["dog", "cat"])):
        features = {"label": {"names": names, "_type": "ClassLabel"}}
        put(root / "mine" / f"train-0000{i}-of-00002.parquet", {"image": pictures(3, i), "label": [0, 1, 0]}, features)
    with pytest.raises(UserError, match="00001-of-00002.parquet has other columns or classes than .*00000-of-00002"):
        load("mine")


def test_rows_are_named_by_their_shard(root: Path) -> None:
    put(root / "mine" / "train-00000-of-00002.parquet", {"image": pictures(3)})
    bad = pa.array([{"bytes": b"no image", "path": None}], FILE)
    put(root / "mine" / "train-00001-of-00002.parquet", {"image": bad})
    with pytest.raises(UserError, match="row 0 of .*train-00001-of-00002.parquet cannot be decoded"):
        load("mine")


@pytest.mark.parametrize(
    ("image", "label", "features", "classes", "note"),
    [
        ("image", "label", {"label": CLASS_LABEL}, ("cat", "dog"), ""),
        ("img", "label", {"label": CLASS_LABEL}, ("cat", "dog"), ""),
        ("img", "labels", {"labels": CLASS_LABEL}, ("cat", "dog"), ""),
        ("img", "fine_label", {"fine_label": CLASS_LABEL}, ("cat", "dog"), "labels are the column 'fine_label'"),
        ("photo", "kind", {"photo": {"_type": "Image"}, "kind": CLASS_LABEL}, ("cat", "dog"), "labels are .* 'kind'"),
        ("image", "labels", None, ("0", "1"), ""),
    ],
)
def test_names_and_types_of_columns(
    root: Path, image: str, label: str, features: dict[str, Any] | None, classes: tuple[str, ...], note: str
) -> None:
    put(root / "mine" / "train.parquet", {"id": [3, 1, 2], image: pictures(3), label: [1, 0, 1]}, features)
    data = load("mine", validation=0.0)
    assert data.classes == classes and data.train.batch(slice(None))["y"].tolist() == [1, 0, 1]
    assert re.fullmatch(note, data.note) if note else data.note == ""


def test_the_finer_of_two_labels_is_taken_and_said(root: Path) -> None:
    columns = {"img": pictures(4), "fine_label": [0, 3, 1, 2], "coarse_label": [0, 1, 0, 1]}
    put(root / "mine" / "data" / "train-00000-of-00001.parquet", columns)
    assert load("mine").spec.n_classes == 4 and info("mine")["note"] == "labels are the column 'fine_label'"


def test_captions_may_be_called_caption(root: Path) -> None:
    texts = ["a red kite", "a red door", "a cat", "a dog"]
    put(root / "mine" / "train.parquet", {"image": pictures(4), "caption": texts})
    assert load("mine", validation=0.0).train.text(slice(None)) == texts
    put(root / "many" / "train.parquet", {"image": pictures(2), "caption": [["a", "b"], ["c"]]})
    with pytest.raises(UserError, match="column 'caption' of .* is list<.*: expected one string a row"):
        load("many")


def as_view(files: list[bytes]) -> Any:
    return pa.array(files, pa.binary_view())


def as_struct_of_views(files: list[bytes]) -> Any:
    return pa.StructArray.from_arrays(
        [pa.array(files, pa.binary_view()), pa.nulls(len(files), pa.string())], ["bytes", "path"]
    )


def as_dictionary(files: list[bytes]) -> Any:
    return pa.array(files, pa.binary()).dictionary_encode()


def as_large(files: list[bytes]) -> Any:
    return pa.array(files, pa.large_binary())


@pytest.mark.parametrize("column", [as_view, as_struct_of_views, as_dictionary, as_large])
def test_other_types_of_bytes(root: Path, column: Callable[[list[bytes]], Any]) -> None:
    images = [pixels(i, 4, 4) for i in range(4)]
    texts = pa.array(["a b", "a c", "d", None], pa.string_view()).cast(pa.string()).dictionary_encode()
    put(root / "mine" / "train.parquet", {"image": column([encoded(image) for image in images]), "text": texts})
    data = load("mine", validation=0.0)
    assert np.array_equal(data.train.x[:, 0], np.stack(images)) and data.train.text(slice(None)) == [
        "a b",
        "a c",
        "d",
        None,
    ]


def test_sounds_of_the_hub_state_their_rate(root: Path) -> None:
    sounds = [{"bytes": wav(noise(50), 16_000), "path": None} for _ in range(3)]
    features = {"audio": {"sampling_rate": 16_000, "_type": "Audio"}}
    put(root / "mine" / "train.parquet", {"audio": pa.array(sounds, FILE)}, features)
    assert load("mine").spec.sampling_rate == 16_000


@pytest.mark.parametrize("validation", ["validation", "valid", "val", "dev"])
def test_a_stored_validation_split_is_not_read_and_this_is_said(root: Path, validation: str) -> None:
    put(root / "mine" / "train-00000-of-00001.parquet", {"image": pictures(10)})
    put(root / "mine" / f"{validation}-00000-of-00001.parquet", {"image": pictures(3, 1)})
    with pytest.raises(UserError, match=rf"only train.parquet .*its split '{validation}' is not read: rename it"):
        _ = load("mine").test
    assert info("mine")["note"] == f"its split '{validation}' is not read: validation is cut from train"


def test_a_set_of_the_catalogue_in_the_hub_s_layout(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The hub's CIFAR-10: one shard a split, images in ``img``, names in the features."""
    for seed, split in enumerate(("train", "test")):
        columns = {"img": pictures(4, seed, shape=(32, 32, 3)), "label": [0, 1, 1, 0]}
        put(root / "cifar10" / "plain_text" / f"{split}-00000-of-00001.parquet", columns, {"label": CLASS_LABEL})
    assert len(load_split("cifar10", "test")) == 4
    main(["data", "fetch", "cifar10"])
    assert "already: there is nothing to fetch" in capsys.readouterr().out
