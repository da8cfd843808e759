"""Colour images and drawings from a few small files in each set's real format; the download alone is replaced."""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.io
from PIL import Image
from sklearn.datasets import _lfw
from torchvision import datasets
from torchvision.datasets import celeba as celeba_module

from gibbsweep.data import fetch, info, load
from gibbsweep.data.fetchers import celeba
from gibbsweep.errors import UserError

RNG = np.random.default_rng(0)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def encoded(pixels: np.ndarray[Any, Any], kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_cifar10_from_its_pickled_batches(
    mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source, (folder, address) = datasets.CIFAR10, mirror
    batches, x, y = {}, {}, {}
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        x[name] = RNG.integers(0, 256, (10, 3, 32, 32), dtype=np.uint8)
        y[name] = RNG.permutation(10).tolist()
        batches[name] = pickle.dumps({"data": x[name].reshape(10, -1), "labels": y[name]})
    batches["batches.meta"] = pickle.dumps({"label_names": list("abcdefghij")})
    archive = tarred({f"cifar-10-batches-py/{name}": content for name, content in batches.items()})
    (folder / source.filename).write_bytes(archive)
    monkeypatch.setattr(source, "url", address + source.filename)
    monkeypatch.setattr(source, "tgz_md5", md5(archive))
    monkeypatch.setattr(
        source, "train_list", [[f"data_batch_{i}", md5(batches[f"data_batch_{i}"])] for i in range(1, 6)]
    )
    monkeypatch.setattr(source, "test_list", [["test_batch", md5(batches["test_batch"])]])
    monkeypatch.setattr(source, "meta", source.meta | {"md5": md5(batches["batches.meta"])})

    fetch("cifar10")
    data = load("cifar10", validation=0.0)
    assert data.spec.shape == (3, 32, 32) and data.classes[3] == "cat" and data.licence == "none stated"
    train = np.concatenate([x[f"data_batch_{i}"] for i in range(1, 6)])
    assert np.array_equal(data.train.x.numpy(), train) and np.array_equal(data.test.x.numpy(), x["test_batch"])
    assert data.test.y is not None and data.test.y.tolist() == y["test_batch"]
    assert info("cifar10[3,5]")["labels"] == {"cat": 5, "dog": 5}


def test_svhn_from_its_matlab_files(mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, address = mirror
    listed, x = dict(datasets.SVHN.split_list), {}
    labels = np.array([[10], [1], [9], [10]], np.uint8)  # 10 is the digit 0
    for split in ("train", "test"):
        x[split] = RNG.integers(0, 256, (32, 32, 3, 4), dtype=np.uint8)
        name = f"{split}_32x32.mat"
        scipy.io.savemat(folder / name, {"X": x[split], "y": labels})
        listed[split] = [address + name, name, md5((folder / name).read_bytes())]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)

    fetch("svhn")
    data = load("svhn", validation=0.0)
    assert data.spec.shape == (3, 32, 32) and data.spec.n_classes == 10 and "non-commercial" in data.licence
    for split, of in ((data.train, "train"), (data.test, "test")):
        assert np.array_equal(split.x.numpy(), x[of].transpose(3, 2, 0, 1))
        assert split.y is not None and split.y.tolist() == [0, 1, 9, 0]


def flat_photograph(value: int) -> np.ndarray[Any, Any]:
    """178x218, one value within the square that is cut out, and noise around it."""
    pixels = RNG.integers(0, 256, (218, 178, 3), dtype=np.uint8)
    top, left = (218 - celeba.CROP) // 2, (178 - celeba.CROP) // 2
    pixels[top : top + celeba.CROP, left : left + celeba.CROP] = value
    pixels[top : top + celeba.CROP // 2, left : left + celeba.CROP, 1] = 255 - value  # the upper half's green differs
    return pixels


@pytest.fixture
def celeba_files(mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six photographs, two of each official split; the third and fifth smile."""
    folder, _ = mirror
    names = [f"{i:06}.jpg" for i in range(1, 7)]
    photographs = {
        f"img_align_celeba/{name}": encoded(flat_photograph(30 * i), "JPEG", quality=100, subsampling=0)
        for i, name in enumerate(names)
    }
    smiles = [-1, -1, 1, -1, 1, -1]
    texts = {
        "list_attr_celeba.txt": "6\nBald Smiling Young \n"
        + "".join(f"{n} -1 {s:2} 1\n" for n, s in zip(names, smiles, strict=True)),
        "identity_CelebA.txt": "".join(f"{n} {i}\n" for i, n in enumerate(names)),
        "list_bbox_celeba.txt": "6\nimage_id x_1 y_1 width height\n" + "".join(f"{n} 1 2 3 4\n" for n in names),
        "list_landmarks_align_celeba.txt": "6\nlefteye_x lefteye_y\n" + "".join(f"{n} 1 2\n" for n in names),
        "list_eval_partition.txt": "".join(f"{n} {i // 2}\n" for i, n in enumerate(names)),
    }
    files = {name: text.encode() for name, text in texts.items()} | {"img_align_celeba.zip": zipped(photographs)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    monkeypatch.setattr(datasets.CelebA, "file_list", [(name, md5(content), name) for name, content in files.items()])

    def download(file_id: str, root: str, filename: str, md5: str) -> None:
        Path(root).mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / file_id, Path(root) / filename)

    monkeypatch.setattr(celeba_module, "download_file_from_google_drive", download)
    return folder


@pytest.mark.usefixtures("celeba_files")
def test_celeba_is_cropped_reduced_and_written_part_by_part(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celeba, "_ROWS", 1)
    fetch("celeba")
    data = load("celeba", validation=0.0)
    assert data.spec.shape == (3, 64, 64) and data.classes == ("not smiling", "smiling")
    assert (len(data.train), len(data.test)) == (4, 2) and "research" in data.licence
    assert data.train.y is not None and data.train.y.tolist() == [0, 0, 1, 0]
    assert data.test.y is not None and data.test.y.tolist() == [1, 0]
    for i, image in enumerate(data.train.x.int()):
        assert int((image[:, 40:] - 30 * i).abs().max()) <= 3  # a few grey levels are the JPEG's
        assert int((image[1, :24] - (255 - 30 * i)).abs().max()) <= 3
        assert int((image[[0, 2]] - 30 * i).abs().max()) <= 3
    file = pq.ParquetFile(root / "celeba" / "train.parquet")
    assert file.metadata.num_row_groups == 4  # one photograph in memory at a time
    assert file.read()["Smiling"].to_pylist() == [False, False, True, False]
    assert set(file.schema_arrow.names) == {"image", "label", "Bald", "Smiling", "Young"}


def test_celeba_without_its_downloader_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(UserError, match="could not download 'celeba'.*gdown"):
        fetch("celeba")


def test_omniglot_has_bright_ink_and_characters_of_both_splits(
    mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = mirror
    page = np.ones((105, 105), np.bool_)
    page[:53] = False  # the upper half is ink
    characters = {
        "images_background": ["Latin/character01", "Greek/character02"],
        "images_evaluation": ["Tengwar/character01"],
    }
    sums = {}
    for archive, names in characters.items():
        drawings = {
            f"{archive}/{name}/{i:04}_{k:02}.png": encoded(np.roll(page, 9 * k, 0))
            for i, name in enumerate(names)
            for k in range(3)
        }
        content = zipped(drawings)
        (folder / f"{archive}.zip").write_bytes(content)
        sums[archive] = md5(content)
    monkeypatch.setattr(datasets.Omniglot, "download_url_prefix", address.rstrip("/"))
    monkeypatch.setattr(datasets.Omniglot, "zips_md5", sums)

    fetch("omniglot")
    data = load("omniglot", validation=0.0)
    assert data.classes == ("Greek/character02", "Latin/character01", "Tengwar/character01")
    assert data.train.y is not None and data.train.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test.y is not None and data.test.y.tolist() == [2, 2, 2]
    first = data.train.x[0, 0]
    assert first.shape == (32, 32) and (first[:16] == 255).all() and (first[17:] == 0).all()
    assert abs(float(first.double().mean()) / 255 - 53 / 105) < 0.01  # reduction keeps the ink


def test_faces_are_one_a_person_and_of_the_square(mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    photographs = {}
    for person in range(20):
        for k in range(1 + person % 2):
            pixels = RNG.integers(0, 256, (250, 250, 3), dtype=np.uint8)
            pixels[92:176, 83:167] = 10 * person + 4 + k  # tells the person even after JPEG
            pixels[92:134, 83:167, 0] = 250
            photographs[f"lfw/A_{person:02}/A_{person:02}_{k:04}.jpg"] = encoded(
                pixels, "JPEG", quality=100, subsampling=0
            )
    archive = tarred(photographs)

    def download(remote: Any, dirname: str, **options: Any) -> None:
        (Path(dirname) / remote.filename).write_bytes(archive if remote.filename == "lfw.tgz" else b"")

    monkeypatch.setattr(_lfw, "_fetch_remote", download)
    fetch("faces")
    data = load("faces", validation=0.0)
    assert data.spec.shape == (3, 32, 32) and data.spec.n_classes is None
    assert (len(data.train), len(data.test)) == (18, 2)
    x = np.concatenate([data.train.x.numpy(), data.test.x.numpy()]).astype(int)
    assert (abs(x[:, 0, :14] - 250) <= 3).all()  # the upper half of the square, in red
    people = sorted(int(face[2].mean()) // 10 for face in x)
    assert people == sorted(set(people)) and len(people) == 20
    assert (abs(x[:, 2] - x[:, 2].mean(axis=(1, 2), keepdims=True)) <= 3).all()  # nothing from outside the square


def test_faces_are_not_read_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="downloaded by scikit-learn.*leave --from out"):
        fetch("faces", source=tmp_path)
