from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gibbsweep.data import CATALOGUE, Metadata, load, load_split, write_parquet
from gibbsweep.errors import UserError

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.fixture
def bundled(bundled_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(bundled_cache))


@pytest.mark.usefixtures("bundled")
@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOGUE if entry.how == "bundled"], ids=lambda entry: entry.name
)
def test_bundled_sets_are_what_the_catalogue_says(entry: Any) -> None:
    data = load(entry.name)
    assert data.spec.shape == entry.shape and data.classes == entry.classes
    assert (len(data.train) + len(data.validation), len(data.test)) == entry.rows
    batch = data.test.batch(slice(0, 100))
    assert batch["x"].shape == (100, *entry.shape) and batch["x"].dtype == torch.float32
    assert float(batch["x"].abs().max()) <= (6.0 if entry.name == "normal1d" else 1.5) and ("y" in batch) == bool(
        entry.classes
    )
    whole = load(entry.name, validation=0.0)
    flat = torch.cat([whole.train.x, whole.test.x]).flatten(1)
    # test is no part of train: as many different examples as the source has
    if len(entry.shape) >= 3:
        assert len(np.unique(flat.numpy(), axis=0)) == sum(entry.rows)


@pytest.mark.usefixtures("bundled")
def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    data = load("digits", validation=0.0)
    assert data.train.y is not None and data.test.y is not None
    x = torch.cat([data.train.x, data.test.x])[:, 0].double() * (16 / 255)
    y = torch.cat([data.train.y, data.test.y])
    ours = sorted((int(label), image.round().flatten().tolist()) for label, image in zip(y, x, strict=True))
    bunch = load_digits()
    theirs = sorted((int(t), image.flatten().tolist()) for t, image in zip(bunch.target, bunch.images, strict=True))
    assert ours == theirs


@pytest.mark.usefixtures("bundled")
def test_toy_densities_have_their_moments() -> None:
    ring = load("ring8", validation=0.0).train
    assert ring.y is not None
    angle = torch.arange(8) * (torch.pi / 4)
    centre = 0.7 * torch.stack([angle.cos(), angle.sin()], dim=1)
    residual = ring.x - centre[ring.y]
    n = residual.numel()
    assert abs(float(residual.mean())) < 4 * 0.05 / n**0.5
    assert abs(float(residual.var()) - 0.05**2) < 4 * 0.05**2 * (2 / n) ** 0.5
    line = load("gauss1d", validation=0.0).train.x
    variance = 0.5 * (0.1**2 + 0.2**2) + 0.25
    assert abs(float(line.mean())) < 4 * (variance / len(line)) ** 0.5


@pytest.mark.real_data
def test_mnist_is_whole(real_root: Callable[[str], Path]) -> None:
    root = real_root("mnist")
    data = load("mnist", root=root, validation=0.0)
    for split, counts in ((data.train, MNIST_TRAIN), (data.test, MNIST_TEST)):
        assert split.y is not None and split.y.bincount().tolist() == counts
        assert split.x.shape == (sum(counts), 1, 28, 28)
    cut = load("mnist", root=root)
    assert (len(cut.train), len(cut.validation)) == (54_000, 6_000)


def test_the_test_file_is_not_touched_before_it_is_asked_for(make_set: Callable[..., Any], root: Path) -> None:
    make_set("noise")
    (root / "noise" / "test.parquet").write_bytes(b"unreadable")
    data = load("noise")
    assert len(data.train.batch(slice(None))["x"]) + len(data.validation) == 40
    with pytest.raises(UserError, match="test.parquet is no complete Parquet file"):
        _ = data.test


def test_a_limit_bounds_every_split(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=100)
    test = make_set("noise", "test", n=50, seed=1)
    data = load("noise", limit=7, seed=3)
    assert [len(split) for split in (data.train, data.validation, data.test)] == [7, 7, 7]
    assert data.test.rows is not None and np.array_equal(data.test.x.numpy(), test[data.test.rows.numpy()])
    assert load("noise", limit=1000).test.rows is None


def test_a_set_without_train_can_only_be_tested_with(make_set: Callable[..., Any]) -> None:
    images = make_set("outliers", "test")
    data = load("outliers")
    assert data.spec.shape == (1, 6, 5) and np.array_equal(data.test.x.numpy(), images)
    for name in ("train", "validation"):
        with pytest.raises(UserError, match="only test.parquet and cannot be trained on"):
            getattr(data, name)
    assert len(load_split("outliers", "test")) == 40
    with pytest.raises(UserError, match="add train.parquet"):
        load_split("outliers", "train")


def test_a_set_without_test_can_only_be_trained_on(make_set: Callable[..., Any]) -> None:
    make_set("half")
    data = load("half")
    assert len(data.train) == 36
    with pytest.raises(UserError, match="cannot be tested with: add test.parquet"):
        _ = data.test


def test_train_and_test_of_different_shape(make_set: Callable[..., Any]) -> None:
    make_set("odd", "train", shape=(1, 4, 4))
    make_set("odd", "test", shape=(1, 5, 4))
    with pytest.raises(UserError, match="make both from one source"):
        _ = load("odd").test


def test_train_and_test_of_different_classes(root: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 1, 4, 4), dtype=np.uint8)
    for split, classes in (("train", ("cat", "dog", "cow")), ("test", ("dog", "cat"))):
        write_parquet(root / "odd" / f"{split}.parquet", images, np.arange(8) % 2, metadata=Metadata(classes=classes))
    with pytest.raises(UserError, match="classes of other names: make both from one source"):
        _ = load("odd").test


def test_a_missing_set_names_its_command_and_its_stand_ins(root: Path) -> None:
    with pytest.raises(UserError, match="`gibbsweep data fetch mnist`.*'mnist5k' or 'digits'"):
        load("mnist")
    assert list(root.iterdir()) == []


def test_an_unknown_set_lists_the_known_and_the_closest(make_set: Callable[..., Any]) -> None:
    make_set("mine")
    with pytest.raises(UserError, match="unknown data set 'minst': did you mean 'mnist'.*digits.*mine.*mnist5k"):
        load("minst")


@pytest.mark.parametrize("name", ["../mine", "", ".", "mine/", "/etc"])
def test_a_name_is_no_path(make_set: Callable[..., Any], name: str) -> None:
    make_set("mine")
    with pytest.raises(UserError, match="unknown data set"):
        load(name)


def test_a_folder_with_a_bundled_name_is_refused(make_set: Callable[..., Any]) -> None:
    make_set("digits")
    with pytest.raises(UserError, match="name of a bundled data set: rename"):
        load("digits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation": 1.0}, "validation share is 1.0"),
        ({"validation": -0.1}, "validation share is -0.1"),
        ({"validation": 0.999}, "leaves nothing of the 40"),
        ({"limit": 0}, "limit is 0"),
        ({"units": "grey"}, "units are 'grey'"),
    ],
)
def test_options_out_of_range(make_set: Callable[..., Any], options: dict[str, Any], message: str) -> None:
    make_set("noise")
    with pytest.raises(UserError, match=message):
        _ = load("noise", **options).train


def test_nothing_is_written_under_the_root(make_set: Callable[..., Any], root: Path) -> None:
    make_set("noise")
    make_set("noise", "test")
    before = sorted(root.rglob("*"))
    _ = load("noise").test
    assert sorted(root.rglob("*")) == before


def test_importing_loads_none_of_the_heavy_packages() -> None:
    heavy = "sklearn", "mlxtend", "torchvision", "trimesh", "scipy", "joblib", "pandas", "ray", "mlflow", "optuna"
    code = f"import sys; import gibbsweep.data; print([name for name in {heavy!r} if name in sys.modules])"
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert child.stdout.strip() == "[]"
