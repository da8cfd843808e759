from __future__ import annotations

import gzip
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from gibbsweep.data import CATALOGUE, fetch, load
from gibbsweep.data.fetchers.by_name import FETCHERS
from gibbsweep.errors import UserError

SETS = [("mnist", datasets.MNIST), ("fashion_mnist", datasets.FashionMNIST), ("kmnist", datasets.KMNIST)]


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """The IDX format of the MNIST files: two zero bytes, the type (8: unsigned byte), the rank, the sizes, the data."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def serve(source: Any, mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray[Any, Any]]:
    folder, address = mirror
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    resources = []
    for split, n in (("train", 30), ("t10k", 20)):
        arrays[split] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        for kind, array in (("images-idx3", arrays[split]), ("labels-idx1", np.arange(n) % 10)):
            name, content = f"{split}-{kind}-ubyte.gz", idx(array)
            (folder / name).write_bytes(content)
            resources.append((name, hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(source, "resources", resources)
    monkeypatch.setattr(source, "mirrors", [address])
    return arrays


@pytest.mark.parametrize(("name", "source"), SETS)
def test_fetched_pixels_and_labels_are_those_of_the_source(
    name: str, source: Any, mirror: tuple[Path, str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = serve(source, mirror, monkeypatch)
    done = fetch(name)
    assert done.files == (root / name / "train.parquet", root / name / "test.parquet") and "fetched" in done.message
    data = load(name, validation=0.0)
    assert data.train.y is not None and data.spec.n_classes == 10 and data.licence.startswith(("CC", "MIT"))
    assert np.array_equal(data.train.x[:, 0].numpy(), arrays["train"])
    assert np.array_equal(data.test.x[:, 0].numpy(), arrays["t10k"])
    assert data.train.y.tolist() == [i % 10 for i in range(30)]


def test_fetching_again_touches_nothing_and_a_missing_half_is_added(
    mirror: tuple[Path, str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(datasets.MNIST, mirror, monkeypatch)
    fetch("mnist")
    train, test = root / "mnist" / "train.parquet", root / "mnist" / "test.parquet"
    stamps = train.stat().st_mtime_ns, test.read_bytes()
    assert fetch("mnist").files == ()
    test.unlink()
    assert fetch("mnist").files == (test,)
    assert (train.stat().st_mtime_ns, test.read_bytes()) == stamps


def test_a_named_root_is_the_target(
    mirror: tuple[Path, str], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(datasets.MNIST, mirror, monkeypatch)
    fetch("mnist", tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "mnist" / "test.parquet").exists() and not list(root.iterdir())


def test_a_download_that_was_tampered_with_is_refused(
    mirror: tuple[Path, str], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(datasets.MNIST, mirror, monkeypatch)
    (mirror[0] / "train-labels-idx1-ubyte.gz").write_bytes(idx(np.zeros(30)))
    with pytest.raises(UserError, match="could not download 'mnist'.*corrupted"):
        fetch("mnist")
    assert not (root / "mnist").exists()


def test_no_network(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(UserError, match="could not download 'mnist'.*needs the network"):
        fetch("mnist")
    assert not (root / "mnist").exists()


def test_what_needs_no_fetching_says_so(make_set: Callable[..., Any]) -> None:
    assert "nothing to fetch" in fetch("digits").message
    make_set("mine")
    assert "your own" in fetch("mine").message


def test_what_cannot_be_downloaded_says_how_to_get_it(root: Path) -> None:
    with pytest.raises(
        UserError, match="'emoji' cannot be downloaded by Gibbsweep: draw the images of a release of Twemoji"
    ):
        fetch("emoji")
    with pytest.raises(UserError, match="'shapenet' cannot be downloaded.*data fetch shapenet --from PATH"):
        fetch("shapenet")
    with pytest.raises(UserError, match="data set 'emoji' is not in .*draw the images.*or name its folder's parent"):
        load("emoji")
    assert list(root.iterdir()) == []


def test_every_set_that_is_not_made_by_the_user_has_a_fetcher() -> None:
    wanted = {entry.name for entry in CATALOGUE if entry.how in ("fetched", "given")}
    assert set(FETCHERS) == wanted
    assert all(entry.how_to for entry in CATALOGUE if entry.how in ("given", "drop-in"))
    assert all(sum(entry.rows) for entry in CATALOGUE if entry.how != "given")


def test_files_that_are_there_already_are_not_downloaded(
    mirror: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = serve(datasets.MNIST, mirror, monkeypatch)
    given = tmp_path / "given"
    datasets.MNIST(given, download=True)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    fetch("mnist", source=given)
    assert np.array_equal(load("mnist").test.x[:, 0].numpy(), arrays["t10k"])
    with pytest.raises(UserError, match="does not hold the files of 'kmnist'.*leave --from out"):
        fetch("kmnist", source=given)


def test_an_unknown_name(root: Path) -> None:
    with pytest.raises(UserError, match="unknown data set 'mnits': did you mean 'mnist'.*can be fetched are mnist, "):
        fetch("mnits")


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(UserError, match="cannot write to .*--data-root"):
        fetch("mnist", os.fspath(tmp_path / "file" / "data"))
