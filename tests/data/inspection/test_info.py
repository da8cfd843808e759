from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gibbsweep.cli import main
from gibbsweep.data import CATALOGUE, Metadata, catalogue_rows, info, write_parquet
from gibbsweep.errors import UserError


def test_the_list_has_known_and_local_sets_and_decodes_nothing(
    make_set: Callable[..., Any], root: Path, tmp_path: Path
) -> None:
    make_set("mine", "test", n=12, shape=(3, 4, 4))
    make_set("mnist", n=20)
    (root / "mnist" / "test.parquet").write_bytes(b"PAR1")
    (root / "empty").mkdir()
    rows = {row["name"]: row for row in catalogue_rows()}
    assert list(rows) == [*(entry.name for entry in CATALOGUE), "mine"]
    assert rows["mine"] == {
        "name": "mine",
        "how": "local",
        "present": True,
        "train": None,
        "test": 12,
        "shape": (3, 4, 4),
        "classes": 10,
        "text": False,
        "where": str(root / "mine"),
        "licence": "CC0",
        "description": "noise",
    }
    assert rows["mnist"]["train"] == 20 and "cannot be read as Parquet" in rows["mnist"]["description"]
    assert rows["digits"]["where"] == "bundled" and rows["digits"]["train"] == 1437
    assert not rows["kmnist"]["present"] and rows["kmnist"]["where"] == "gibbsweep data fetch kmnist"
    assert not (tmp_path / "cache").exists()


def test_statistics_of_bytes_are_exact(make_set: Callable[..., Any], root: Path) -> None:
    images = make_set("mine", n=5000)
    make_set("mine", "test", n=10)
    about = info("mine")
    assert (about["train"], about["test"], about["how"], about["where"]) == (5000, 10, "local", str(root / "mine"))
    assert about["mean"] == pytest.approx(images.mean(), rel=1e-12)
    assert about["std"] == pytest.approx(images.std(), rel=1e-12)
    assert (about["min"], about["max"], about["dtype"]) == (0, 255, "uint8")
    expected = np.histogram(images, bins=np.arange(0, 257, 16))[0]
    assert [count for _, _, count in about["histogram"]] == expected.tolist()
    assert about["labels"] == {str(digit): 500 for digit in range(10)}


def test_statistics_of_real_values() -> None:
    about = info("gauss1d")
    assert about["how"] == "bundled" and about["labels"] == {} and about["dtype"] == "float32"
    assert sum(count for _, _, count in about["histogram"]) == about["train"] == 8000
    assert about["std"] == pytest.approx((0.025 + 0.25) ** 0.5, abs=0.02)


def test_a_set_without_train_is_described_by_its_test_file(make_set: Callable[..., Any]) -> None:
    make_set("outliers", "test", n=30)
    about = info("outliers")
    assert about["train"] is None and about["test"] == 30 and sum(about["labels"].values()) == 30


def test_an_unknown_set() -> None:
    with pytest.raises(UserError, match="unknown data set 'nope'"):
        info("nope")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding(root: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 4, 4), dtype=np.uint8)
    names = Metadata(classes=("Käse", "チーズ"), source="drawn by hand – twice")
    write_parquet(root / "umlaut" / "train.parquet", images, np.arange(20) % 2, metadata=names)
    commands = ("list", "info ring8", "info ring8 --noise --limit 100", "info umlaut")
    monkeypatch.setenv("COLUMNS", "")
    shown = []
    for words in commands:
        output = io.BytesIO()
        with io.TextIOWrapper(output, encoding, write_through=True) as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            main(["data", *words.split()])
            shown.append(output.getvalue().decode(encoding))
    assert all(("█" in text or "–" in text) == (encoding == "utf-8") for text in shown)
    assert {"ascii": "K?se: 10, ???: 10", "latin-1": "Käse: 10, ???: 10", "utf-8": "Käse: 10, チーズ: 10"}[
        encoding
    ] in shown[3]
