"""Labels: numbers from 0 without gaps, or names; no class that no example has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.data.hub import pictures, put

from gibbsweep.data import load, load_split
from gibbsweep.errors import UserError


def put_labels(root: Path, labels: Any, split: str = "train", **stated: Any) -> None:
    """ROOT/mine/SPLIT.parquet of images with these labels."""
    seed = 0 if split == "train" else 1
    put(root / "mine" / f"{split}.parquet", {"image": pictures(len(labels), seed), "label": labels}, **stated)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2, 1, 2], "runs from 1 to 2, and no example has the label 0: number the classes from 0 without gaps"),
        ([0, 1, 3, 0], r"runs from 0 to 3, and no example has the label 2: .*\(there are 3\), write their names"),
        ([0, 10**6, 0, 0], "runs from 0 to 1000000, and no example has the label 1: "),
        ([0, 2 * 10**7, 0, 0], "runs from 0 to 20000000, and"),
        ([0, 2**40, 0, 0], "runs from 0 to 1099511627776, and"),
        ([0, 2**63 - 1, 0, 0], "runs from 0 to 9223372036854775807, and"),
        ([0, 1, -1, 0], "runs from -1 to 1: expected 0 and above; -1 marks rows without a label"),
        ([0.0, 1.0, 0.0, 1.0], "is double: expected one label a row, a whole number from 0 or a name"),
        ([[0], [1], [0], [1]], "is list<.*: expected one label a row"),
        (["a", None, "b", "a"], "has 1 empty cells"),
    ],
)
def test_labels_with_gaps_are_refused_at_once(root: Path, labels: list[Any], message: str) -> None:
    """Classes were once enumerated up to the largest label, which for the largest here never ended."""
    put_labels(root, labels)
    with pytest.raises(UserError, match=f"column 'label' of .*train.parquet {message}"):
        load("mine")


def test_a_number_beyond_64_bits(root: Path) -> None:
    put_labels(root, pa.array([0, 2**64 - 1], pa.uint64()))
    with pytest.raises(UserError, match="holds a number beyond 64 bits"):
        load("mine")


def test_gaps_are_fine_where_the_classes_are_named(root: Path) -> None:
    put_labels(root, [0, 2, 2, 0], classes=["cat", "dog", "cow"])
    data = load("mine", validation=0.0)
    assert data.classes == ("cat", "dog", "cow") and data.train.batch(slice(None))["y"].tolist() == [0, 2, 2, 0]
    assert data.classes_without_examples == (1,)


def test_two_classes_of_one_name(root: Path) -> None:
    put_labels(root, [0, 1, 0, 1], classes=["cat", "cat"])
    with pytest.raises(UserError, match="two classes named 'cat'"):
        load("mine")


@pytest.mark.parametrize(
    ("labels", "classes", "y"),
    [
        (["dog", "cat", "dog", "eel"], ("cat", "dog", "eel"), [1, 0, 1, 2]),
        (pa.array(["dog", "cat", "dog", "eel"]).dictionary_encode(), ("cat", "dog", "eel"), [1, 0, 1, 2]),
        (pa.array(["dog", "cat", "dog", "eel"], pa.large_string()), ("cat", "dog", "eel"), [1, 0, 1, 2]),
        (pa.array(["dog", "cat", "dog", "eel"], pa.string_view()), ("cat", "dog", "eel"), [1, 0, 1, 2]),
        (["10", "9", "2", "10"], ("2", "9", "10"), [2, 1, 0, 2]),
        ([True, False, True, True], ("false", "true"), [1, 0, 1, 1]),
        (pa.array([1, 0, 1, 2], pa.uint8()), ("0", "1", "2"), [1, 0, 1, 2]),
        (pa.array([1, 0, 1, 2], pa.int32()).dictionary_encode(), ("0", "1", "2"), [1, 0, 1, 2]),
    ],
)
def test_names_are_classes(root: Path, labels: Any, classes: tuple[str, ...], y: list[int]) -> None:
    put_labels(root, labels)
    data = load("mine", validation=0.0)
    assert data.classes == classes and data.spec.n_classes == len(classes)
    assert data.train.batch(slice(None))["y"].tolist() == y


@pytest.mark.parametrize(("train", "test"), [(["b", "a", "c", "a"], ["c", "a"]), ([1, 0, 2, 0], [2, 0])])
def test_a_test_split_has_the_training_split_s_classes(root: Path, train: list[Any], test: list[Any]) -> None:
    put_labels(root, train)
    put_labels(root, test, "test")
    data = load("mine", validation=0.0)
    assert data.test.batch(slice(None))["y"].tolist() == [2, 0]
    assert load_split("mine", "test").batch(slice(None))["y"].tolist() == [2, 0]
    # Another training split numbers the names of an unchanged test split anew.
    put_labels(root, [*train, *(["ape"] if train[0] == "b" else [3])])
    expected = [3, 0] if train[0] == "b" else [2, 0]
    assert load("mine").test.batch(slice(None))["y"].tolist() == expected


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (["a", "b"], ["bird", "a"], "test.parquet has the label 'bird', which is none of the 2 classes a, b"),
        ([0, 1], [0, 2], "test.parquet runs from 0 to 2: expected 0 to 1"),
    ],
)
def test_a_class_that_only_the_test_split_has(root: Path, train: list[Any], test: list[Any], message: str) -> None:
    put_labels(root, train)
    put_labels(root, test, "test")
    with pytest.raises(UserError, match=message):
        _ = load("mine", validation=0.0).test


def test_names_and_class_names_agree(root: Path) -> None:
    put_labels(root, ["dog", "cat"], classes=["dog", "cat"])
    assert np.array_equal(load("mine", validation=0.0).train.batch(slice(None))["y"], [0, 1])
    put_labels(root, ["dog", "cow"], "test", classes=["dog", "cat"])
    with pytest.raises(UserError, match="has the label 'cow', which is none of the 2 classes dog, cat"):
        _ = load("mine", validation=0.0).test
