"""Voxels, vectors, and data that nothing can be learnt from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from gibbsweep.data import Metadata, Part, info, load, load_split, write_parquet, write_parts
from gibbsweep.data.files import reading
from gibbsweep.errors import UserError


def grids(n: int = 12, edge: int = 4, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).random((n, 1, edge, edge, edge)) < 0.3


def put(root: Path, columns: dict[str, Any], metadata: bytes = b"{}", name: str = "mine") -> None:
    (root / name).mkdir()
    pq.write_table(pa.table(columns).replace_schema_metadata({b"gibbsweep": metadata}), root / name / "train.parquet")


@pytest.mark.parametrize("edge", [3, 4, 8])
def test_voxels_round_trip_in_both_units(root: Path, edge: int) -> None:
    x = grids(edge=edge)
    write_parquet(root / "solid" / "train.parquet", x, np.arange(12) % 2, metadata=Metadata(classes=("a", "b")))
    kind = pq.read_schema(root / "solid" / "train.parquet").field("voxels").type
    assert kind == pa.binary((edge**3 + 7) // 8)
    for units, low in (("signed", -1.0), ("binary", 0.0)):
        data = load("solid", units=units, validation=0.0)  # type: ignore[arg-type]
        batch = data.train.batch(slice(None))
        assert data.spec.shape == (1, edge, edge, edge) and batch["x"].dtype == torch.float32
        assert np.array_equal(batch["x"].numpy(), np.where(x, 1.0, low).astype(np.float32))


def test_the_occupied_share_is_exact(root: Path) -> None:
    x = grids()
    write_parquet(root / "solid" / "train.parquet", x, metadata=Metadata())
    about = info("solid")
    assert about["occupied"] == about["mean"] == x.mean() and about["labels"] == {}
    assert about["std"] == pytest.approx(x.std(), rel=1e-12)
    assert about["histogram"] == [(0, 0, int((~x).sum())), (1, 1, int(x.sum()))]


def test_voxels_without_metadata_are_cubes(root: Path) -> None:
    packed = np.packbits(grids().reshape(12, -1), axis=1)
    put(root, {"voxels": [row.tobytes() for row in packed]})
    assert load("mine").spec.shape == (1, 4, 4, 4)


def test_vectors_are_passed_on_unchanged(root: Path) -> None:
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    write_parquet(root / "points" / "train.parquet", x, metadata=Metadata())
    data = load("points", validation=0.0)
    assert data.spec.shape == (3,) and np.array_equal(data.train.batch(slice(None))["x"].numpy(), x)
    assert info("points")["dtype"] == "float32"


GRID = np.packbits(grids(2).reshape(2, -1), axis=1)
BAD: dict[str, tuple[dict[str, Any], bytes, str]] = {
    "NaN": ({"vector": [[0.0, 1.0], [float("nan"), 0.0]]}, b"{}", "row 1 of .* no finite number"),
    "infinite": ({"vector": [[float("inf"), 1.0], [0.0, 0.0]]}, b"{}", "row 0 of .* no finite number"),
    "empty cell": ({"vector": [[0.0, 1.0], [None, 0.0]]}, b"{}", "row 1 of .* no finite number"),
    "empty row": ({"vector": [[0.0, 1.0], None]}, b"{}", "row 1 of .* holds no numbers"),
    "ragged": ({"vector": [[0.0, 1.0], [1.0]]}, b"{}", r"row 1 of .*\(1,\).*row 0 one of \(2,\)"),
    "vector of text": ({"vector": [["a"]]}, b"{}", "expected one list of numbers a row"),
    "no bits": ({"voxels": [1, 2]}, b"{}", "expected binary values of packed bits"),
    "wrong bits": (
        {"voxels": [GRID[0].tobytes(), b"ab"]},
        b'{"shape": [1, 4, 4, 4]}',
        "row 1 of .* holds 2 bytes .* one bit a voxel",
    ),
    "no cube": ({"voxels": [b"abc"]}, b"{}", "row 0 of .* holds 3 bytes"),
    "missing bits": ({"voxels": [GRID[0].tobytes(), None]}, b"{}", "row 1 of .* holds nothing"),
    "flat shape": ({"voxels": [b"ab"]}, b'{"shape": [1, 4, 4]}', r"states the shape \(1, 4, 4\) of voxels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_column_says_what_is_wrong(root: Path, kind: str, tmp_path: Path) -> None:
    columns, metadata, message = BAD[kind]
    put(root, columns, metadata)
    with pytest.raises(UserError, match=message):
        load("mine")
    assert not list((tmp_path / "cache").glob("*.arrow"))


FLAT = np.arange(6, dtype=np.uint8)[:, None, None, None].repeat(3, 2).repeat(3, 3)
ONE = np.random.default_rng(0).integers(0, 256, (1, 1, 3, 3), dtype=np.uint8).repeat(5, 0)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 3, 4, 4), np.uint8), "all 5 examples of .* are equal"),
        (ONE, "all 5 examples of .* are equal"),
        (FLAT, "every example of .* is of one flat value"),
        (np.ones((3, 1, 2, 2, 2), np.bool_), "all 3 examples of .* are equal"),
        (np.full((4, 2), 0.5, np.float32), "all 4 examples of .* are equal"),
    ],
)
def test_constant_sets_are_refused(root: Path, x: np.ndarray[Any, Any], message: str) -> None:
    write_parquet(root / "dull" / "train.parquet", x, metadata=Metadata())
    with pytest.raises(UserError, match=message):
        load("dull")


def test_a_single_different_example_or_pixel_is_enough(root: Path) -> None:
    nearly = ONE.copy()
    nearly[4, 0, 2, 2] ^= 1
    write_parquet(root / "nearly" / "train.parquet", nearly, metadata=Metadata())
    dotted = FLAT.copy()
    dotted[5, 0, 0, 0] += 1
    write_parquet(root / "dotted" / "train.parquet", dotted, metadata=Metadata())
    assert len(load("nearly", validation=0.0).train) == 5 and len(load("dotted", validation=0.0).train) == 6


def test_parts_are_row_groups_of_one_file(root: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (7, 3, 4, 4), dtype=np.uint8)
    path = root / "parts" / "train.parquet"
    parts = (
        Part(x[i : i + 3], range(i, min(i + 3, 7)), more={"row": list(range(i, min(i + 3, 7)))}) for i in (0, 3, 6)
    )
    assert write_parts(path, parts, metadata=Metadata(classes=tuple("abcdefg"))) == 7
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert pq.read_table(path)["row"].to_pylist() == list(range(7))
    split = load_split("parts", "train")
    assert np.array_equal(split.x.numpy(), x) and split.y is not None and split.y.tolist() == list(range(7))


def test_an_unfinished_file_does_not_appear(root: Path) -> None:
    def parts() -> Any:
        yield Part(np.zeros((2, 1, 2, 2), np.uint8))
        raise RuntimeError("the source ended")

    with pytest.raises(RuntimeError, match="the source ended"):
        write_parts(root / "parts" / "train.parquet", parts(), metadata=Metadata())
    assert list((root / "parts").iterdir()) == []
    with pytest.raises(ValueError, match="not one example"):
        write_parts(root / "parts" / "train.parquet", iter(()), metadata=Metadata())


def test_a_set_larger_than_memory_allows_is_decoded_into_a_file(
    make_set: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = make_set("noise", n=50)
    expected = load("noise").fingerprint
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(reading, "_IN_MEMORY", 100)
    data = load("noise", validation=0.0)
    assert data.fingerprint == expected and np.array_equal(data.train.x.numpy(), images)
    assert len(list((tmp_path / "other").iterdir())) == 2  # the decoded copy and its lock


def rows_in(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def test_packed_voxels_unpack_to_their_grids(any_root: Callable[[str], Path]) -> None:
    root = any_root("modelnet_chairs_monitors")
    data = load("modelnet_chairs_monitors[2,5]", root=root, units="binary")
    assert data.spec.shape == (1, 32, 32, 32) and data.classes == ("chair", "monitor")
    rows = rows_in(root / "modelnet_chairs_monitors" / "train.parquet")
    assert len(data.train) + len(data.validation) == rows > 0
    column = pq.read_table(root / "modelnet_chairs_monitors" / "test.parquet")["voxels"].to_pylist()
    bits = np.unpackbits(np.frombuffer(b"".join(column), np.uint8)).reshape(-1, 1, 32, 32, 32)
    assert np.array_equal(data.test.batch(slice(None))["x"].numpy(), bits.astype(np.float32))
    small = load("modelnet_chairs_monitors[2,5]@16", root=root, units="binary").test.batch(slice(0, 5))["x"]
    pooled = torch.nn.functional.avg_pool3d(torch.from_numpy(bits[:5]).float(), 2)
    assert torch.equal(small, (pooled >= 0.5).float())


def test_outliers_are_brought_to_the_size_of_the_inliers(any_root: Callable[[str], Path]) -> None:
    root = any_root("omniglot")
    outliers = load_split("omniglot@28", "test", root=root)
    assert len(outliers) == rows_in(root / "omniglot" / "test.parquet") > 0
    assert outliers.batch(slice(0, 3))["x"].shape == (3, 1, 28, 28)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "rows"), [("modelnet_chairs_monitors", (1221, 133)), ("omniglot", (None, 4840)), ("faces", (5175, 574))]
)
def test_the_real_sets_are_whole(name: str, rows: tuple[int | None, int], real_root: Callable[[str], Path]) -> None:
    folder = real_root(name) / name
    files = [folder / f"{split}.parquet" for split in ("train", "test")]
    assert tuple(rows_in(file) if file.exists() else None for file in files) == rows


def test_colour_faces_have_no_labels(any_root: Callable[[str], Path]) -> None:
    data = load("faces", root=any_root("faces"))
    assert data.spec.shape == (3, 32, 32) and data.spec.n_classes is None and set(data.test.batch(slice(0, 2))) == {"x"}
