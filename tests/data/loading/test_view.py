from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as transforms

from gibbsweep.data import DataView, info, load, load_split, parse, write_parquet
from gibbsweep.data.loading.cut import cut
from gibbsweep.data.loading.view import to_json
from gibbsweep.data.tables.metadata import Metadata
from gibbsweep.data.tables.resize import resized
from gibbsweep.errors import UserError

LABELS = st.lists(st.integers(0, 300), unique=True, max_size=5)


@st.composite
def views(draw: st.DrawFn) -> DataView:
    return DataView(
        draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}", fullmatch=True)),
        tuple(draw(LABELS)) or None,
        tuple(draw(LABELS)),
        draw(st.none() | st.integers(1, 2000)),
        draw(st.none() | st.integers(1, 10**7)),
    )


@given(view=views())
def test_a_view_is_its_text_its_json_and_its_pickle(view: DataView) -> None:
    assert parse(str(view)) == view and str(parse(str(view))) == str(view)
    assert DataView(**json.loads(json.dumps(to_json(view)))) == view
    assert pickle.loads(pickle.dumps(view)) == view


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("mnist", DataView("mnist")),
        ("mnist[4,9]", DataView("mnist", classes=(4, 9))),
        ("mnist[9,4]", DataView("mnist", classes=(9, 4))),
        ("mnist[-3]", DataView("mnist", exclude=(3,))),
        ("mnist[-0, -3]", DataView("mnist", exclude=(0, 3))),
        ("mnist@16", DataView("mnist", size=16)),
        ("mnist[:5000]", DataView("mnist", limit=5000)),
        ("mnist[4,9,-9,:100]@32", DataView("mnist", (4, 9), (9,), 32, 100)),
    ],
)
def test_the_grammar(text: str, view: DataView) -> None:
    assert parse(text) == view


@pytest.mark.parametrize(
    "text",
    ["mnist[]", "mnist[4", "mnist[a]", "mnist@", "mnist@x", "mnist[:1,:2]", "mnist[4]@8@9", "mnist[4:5]", "mnist[²]"],
)
def test_what_is_no_view_shows_the_grammar(text: str) -> None:
    with pytest.raises(UserError, match=r"is no view of a data set: expected NAME.*mnist\[4,9\]"):
        parse(text)


def test_integers_of_numpy_are_plain_ones() -> None:
    view = DataView("mnist", classes=np.array([4, 9]), exclude=[np.int8(9)], size=np.int64(16))  # type: ignore[arg-type]
    assert view == parse("mnist[4,9,-9]@16") and json.loads(json.dumps(to_json(view))) == to_json(view)
    for part in ({"size": 16.0}, {"classes": ("4",)}, {"limit": "9"}, {"exclude": 3}):
        with pytest.raises(UserError, match="a view of 'mnist' has a part that is no whole number"):
            DataView("mnist", **part)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [{"classes": (1, 1)}, {"exclude": (-1,)}, {"classes": ()}, {"size": 0}, {"limit": 0}])
def test_parts_out_of_range(part: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        DataView("mnist", **part)


@given(n=st.integers(20, 300), seed=st.integers(0, 2**40), share=st.floats(0.2, 0.6), period=st.integers(2, 4))
def test_the_splits_of_a_view_are_parts_of_its_sets(n: int, seed: int, share: float, period: int) -> None:
    mask = torch.arange(n) % period == 0
    train, validation = cut(n, share, seed)
    assert train is not None
    expected = train[mask[train]], validation[mask[validation]]
    if not len(expected[0]) or not len(expected[1]):
        with pytest.raises(UserError, match="too few"):
            cut(n, share, seed, mask=mask)
        return
    got = cut(n, share, seed, mask=mask)
    assert got[0] is not None and torch.equal(got[0], expected[0]) and torch.equal(got[1], expected[1])


def test_kept_classes_are_relabelled_in_the_order_given(make_set: Callable[..., Any]) -> None:
    images, tests = make_set("noise", n=100), make_set("noise", "test", n=50, seed=1)
    data = load("noise[9,4]", validation=0.2)
    assert data.name == "noise[9,4]" and data.classes == ("9", "4") and data.spec.n_classes == 2
    seen = []
    for split, source in ((data.train, images), (data.validation, images), (data.test, tests)):
        batch = split.batch(slice(None))
        assert split.rows is not None and split.y is not None
        assert torch.equal(split.y, batch["y"])
        assert batch["y"].tolist() == [{9: 0, 4: 1}[row % 10] for row in split.rows.tolist()]
        assert np.array_equal(split.x.numpy(), source[split.rows.numpy()])
        seen.append(split.rows.tolist())
    assert sorted(seen[0] + seen[1]) == [row for row in range(100) if row % 10 in (4, 9)]
    assert seen[2] == [row for row in range(50) if row % 10 in (4, 9)]


def test_excluded_classes_are_seen_in_test_alone(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=100)
    make_set("noise", "test", n=50)
    data = load("noise[-3,-0]")
    assert data.spec.n_classes == 10
    for split in (data.train, data.validation):
        assert split.y is not None and not set(split.y.tolist()) & {0, 3}
    assert len(data.train) + len(data.validation) == 80
    assert data.test.y is not None and data.test.y.tolist() == [i % 10 for i in range(50)]
    both = load("noise[4,9,-9]")
    assert both.train.y is not None and set(both.train.y.tolist()) == {0}
    assert both.test.y is not None and set(both.test.y.tolist()) == {0, 1}


def test_the_smaller_limit_counts_and_comes_after_the_choice_of_classes(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=200)
    make_set("noise", "test", n=100)
    for options in ({"limit": 5}, {"limit": 50}, {}):
        data = load("noise[4,9,:7]", **options)
        expected = min(7, options.get("limit", 7))
        assert len(data.train) == expected and len(data.test) == expected and len(data.validation) <= expected
        assert data.train.y is not None and set(data.train.y.tolist()) <= {0, 1}
    assert len(load_split("noise[4,9,:7]", "test")) == 7 and len(load_split("noise[-1]", "train")) == 180
    nested = load("noise[4,9]", limit=3).test.rows, load("noise[4,9]", limit=4).test.rows
    assert nested[0] is not None and nested[1] is not None and torch.isin(nested[0], nested[1]).all()


def test_every_view_has_a_fingerprint_of_its_own(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=100)
    make_set("copy", n=100)
    texts = ("", "[4,9]", "[9,4]", "[-3]", "[:50]")
    prints = [load(f"noise{text}").fingerprint for text in texts]
    assert len(set(prints)) == 5 and prints == [load(f"copy{text}").fingerprint for text in texts]


def test_a_pickled_view_is_loaded_anew(make_set: Callable[..., Any]) -> None:
    make_set("noise", n=200)
    data = load("noise[4,9,:11]", units="binary", seed=3)
    pickled = pickle.dumps(data)
    again = pickle.loads(pickled)
    assert len(pickled) < 1000 and again.fingerprint == data.fingerprint
    assert torch.equal(again.train.batch(slice(None))["x"], data.train.batch(slice(None))["x"])


def test_images_are_resized_once_as_torchvision_does(make_set: Callable[..., Any], tmp_path: Path) -> None:
    images = make_set("photo", n=30, shape=(3, 16, 16))
    data = load("photo@8", validation=0.0)
    expected = transforms.resize(torch.from_numpy(images).float(), [8, 8], antialias=True)
    assert data.spec.shape == (3, 8, 8) and data.train.x.dtype == torch.uint8
    assert float((data.train.x.double() - expected).abs().max()) <= 0.5 + 1e-4
    copies = sorted(path.name for path in (tmp_path / "cache").glob("*.arrow"))
    assert len(copies) == 1 and "@8" in copies[0]  # no copy in the stored size is made on the way
    assert load("photo[1]@8", validation=0.0).train.shape == (3, 8, 8)
    assert sorted(path.name for path in (tmp_path / "cache").glob("*.arrow")) == copies
    assert np.array_equal(load("photo@16", validation=0.0).train.x.numpy(), images)
    assert np.array_equal(load("photo@rgb", validation=0.0).train.x.numpy(), images)
    assert np.array_equal(load("photo", validation=0.0).train.x.numpy(), images)  # all three are one copy
    assert len(list((tmp_path / "cache").glob("*.arrow"))) == 2
    assert len({load(text).fingerprint for text in ("photo", "photo@8", "photo@16")}) == 3


@given(size=st.integers(1, 40), value=st.integers(0, 255))
def test_a_flat_image_stays_flat_at_every_size(size: int, value: int) -> None:
    assert (resized(torch.full((2, 1, 12, 12), value, dtype=torch.uint8), size) == value).all()


def test_an_image_keeps_its_mean_when_each_pixel_covers_whole_ones() -> None:
    x = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    x[..., 1:3, 1:3] = 255  # symmetric: each of the four new pixels covers one bright pixel's share alike
    small = resized(x, 2)
    assert len(np.unique(small)) == 1


@given(seed=st.integers(0, 1000), factor=st.sampled_from([1, 2, 4]))
def test_voxels_that_are_whole_blocks_survive_halving(seed: int, factor: int) -> None:
    coarse = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, (3, 1, 4, 4, 4), dtype=np.uint8) * 255)
    fine = coarse
    for axis in (2, 3, 4):
        fine = fine.repeat_interleave(factor, axis)
    assert np.array_equal(resized(fine, 4), coarse.numpy())
    assert np.array_equal(resized(coarse, 4 * factor), fine.numpy())


@pytest.mark.parametrize(("n_set", "expected"), [(3, 0), (4, 255), (8, 255)])
def test_a_voxel_is_set_where_half_of_it_was(n_set: int, expected: int) -> None:
    x = torch.zeros(8, dtype=torch.uint8)
    x[:n_set] = 255
    assert resized(x.view(1, 1, 2, 2, 2), 1).item() == expected


def test_bundled_sets_have_views(bundled_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIBBSWEEP_CACHE", str(bundled_cache))
    data = load("digits[4,9]@16")
    assert data.spec.shape == (1, 16, 16) and data.classes == ("4", "9")
    assert (len(load("digits@16", validation=0.0).train), len(load("digits@16").test)) == (1437, 360)
    about = info("digits[4,9]")
    assert about["name"] == "digits[4,9]" and list(about["labels"]) == ["4", "9"]
    assert sum(about["labels"].values()) == about["train"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noise[4,10]", "has no class 10: expected numbers from 0 to 9"),
        ("noise[-12]", "has no class 12"),
        ("noise[4,-5]", "excludes class 5, which is none of the kept"),
        ("oblong@3", r"unequal edges \(6, 5, 5\)"),
        ("bare[4]", "data set 'bare' has no labels"),
        ("gauss1d@8", "holds vectors"),
        ("bare@2000", "larger than 1024"),
        ("noise[0,1,-0,-1]", "keeps 0 of 40 training examples, too few"),
    ],
)
def test_a_view_that_the_set_cannot_give(make_set: Callable[..., Any], root: Path, text: str, message: str) -> None:
    make_set("noise")
    images = np.random.default_rng(0).integers(0, 256, (8, 1, 4, 4), dtype=np.uint8)
    write_parquet(root / "bare" / "train.parquet", images, metadata=Metadata())
    voxels = np.random.default_rng(0).integers(0, 2, (8, 1, 6, 5, 5)).astype(bool)
    write_parquet(root / "oblong" / "train.parquet", voxels, metadata=Metadata())
    with pytest.raises(UserError, match=message):
        _ = load(text).train


def test_a_class_without_test_examples(make_set: Callable[..., Any]) -> None:
    make_set("noise")
    make_set("noise", "test", n=5)
    with pytest.raises(UserError, match="keeps none of the 5 test examples"):
        _ = load("noise[7]").test
