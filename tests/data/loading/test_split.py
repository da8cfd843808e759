from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gibbsweep.data import Metadata, TableSplit, load
from gibbsweep.data.loading.cut import cut
from gibbsweep.data.tables.table import Table
from gibbsweep.errors import UserError


def table(x: torch.Tensor, y: torch.Tensor | None = None) -> Table:
    return Table(x, y, None, Metadata(tuple(x.shape[1:])), "")


@given(
    n=st.integers(2, 500), share=st.floats(0.0, 0.9), seed=st.integers(0, 2**40), limit=st.none() | st.integers(1, 600)
)
def test_cut_is_disjoint_complete_and_a_function_of_its_arguments(
    n: int, share: float, seed: int, limit: int | None
) -> None:
    if share > 0 and max(1, int(share * n + 0.5)) >= n:
        with pytest.raises(UserError, match="leaves nothing"):
            cut(n, share, seed)
        return
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    train, validation = cut(n, share, seed)
    torch.manual_seed(seed + 1)
    np.random.seed(0)
    again = cut(n, share, seed)
    rows = torch.arange(n) if train is None else train
    assert torch.equal(torch.cat([rows, validation]).sort().values, torch.arange(n))
    assert len(validation) == (max(1, int(share * n + 0.5)) if share else 0)
    assert torch.equal(rows, torch.arange(n) if again[0] is None else again[0])
    assert torch.equal(validation, again[1])
    few, few_validation = cut(n, share, seed, limit)
    few_rows = torch.arange(n) if few is None else few
    assert len(few_rows) == min(len(rows), limit or n) and torch.isin(few_rows, rows).all()
    assert len(few_validation) == min(len(validation), limit or n) and torch.isin(few_validation, validation).all()


def test_cut_differs_between_seeds() -> None:
    assert not torch.equal(cut(100, 0.2, 0)[1], cut(100, 0.2, 1)[1])


@given(small=st.integers(1, 99), seed=st.integers(0, 1000))
def test_a_larger_limit_holds_the_examples_of_a_smaller_one(small: int, seed: int) -> None:
    less, more = cut(100, 0.1, seed, small)[0], cut(100, 0.1, seed, small + 1)[0]
    assert less is not None and more is not None and torch.isin(less, more).all()


def test_signed_units_are_the_nearest_floats_and_symmetric() -> None:
    x = TableSplit(table(torch.arange(256, dtype=torch.uint8)[:, None])).batch(slice(None))["x"][:, 0]
    exact = [float(np.float32(Fraction(2 * u - 255, 255))) for u in range(256)]
    assert x.dtype == torch.float32 and x.tolist() == exact
    assert torch.equal(x, -x.flip(0)) and x[0] == -1 and x[255] == 1
    assert torch.equal((x * 127.5 + 127.5).round().to(torch.uint8), torch.arange(256, dtype=torch.uint8))


def test_binary_units_are_one_from_128_on() -> None:
    x = TableSplit(table(torch.arange(256, dtype=torch.uint8)[:, None]), units="binary").batch(slice(None))["x"][:, 0]
    assert x.dtype == torch.float32 and x.tolist() == [0.0] * 128 + [1.0] * 128


@pytest.mark.parametrize("units", ["signed", "binary"])
def test_real_values_pass_unchanged_and_are_copies(units: Any) -> None:
    raw = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    kept = raw.clone()
    batch = TableSplit(table(raw), units=units).batch(slice(None))
    assert set(batch) == {"x"} and torch.equal(batch["x"], raw)
    batch["x"].zero_()
    assert torch.equal(raw, kept)


@given(data=st.data())
def test_batches_agree_for_every_kind_of_index(data: st.DataObject) -> None:
    n = data.draw(st.integers(4, 30))
    source = table(torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1), torch.arange(n))
    split = TableSplit(source, cut(n, 0.25, 3)[0])
    wanted = data.draw(st.lists(st.integers(0, len(split) - 1), min_size=1))
    batch = split.batch(torch.tensor(wanted))
    assert torch.equal(batch["x"], split.batch(np.array(wanted))["x"])
    assert split.rows is not None
    assert batch["y"].dtype == torch.int64 and batch["y"].tolist() == split.rows[wanted].tolist()
    mask = torch.zeros(len(split), dtype=torch.bool).index_fill_(0, torch.tensor(wanted), True)
    assert torch.equal(split.batch(mask)["y"], split.batch(torch.tensor(sorted(set(wanted))))["y"])
    low, high = sorted(data.draw(st.tuples(st.integers(0, len(split)), st.integers(0, len(split)))))
    assert torch.equal(split.batch(slice(low, high))["y"], split.batch(torch.arange(low, high))["y"])


def test_x_of_a_cut_split_never_shows_the_rows_of_the_other() -> None:
    source = table(torch.arange(50, dtype=torch.uint8)[:, None])
    rows, rows_validation = cut(50, 0.2, 0)
    train, validation = TableSplit(source, rows), TableSplit(source, rows_validation)
    assert len(train.x) == len(train) == 40 and len(validation.x) == 10
    assert not set(train.x[:, 0].tolist()) & set(validation.x[:, 0].tolist())
    assert TableSplit(source).x is source.x


def test_examples_are_different_rows_and_repeat_under_their_seed() -> None:
    split = TableSplit(table(torch.arange(50, dtype=torch.uint8)[:, None], torch.arange(50)))
    drawn = split.examples(20, seed=4)
    assert len(set(drawn["y"].tolist())) == 20
    assert torch.equal(drawn["x"], split.examples(20, seed=4)["x"])
    assert not torch.equal(drawn["y"], split.examples(20, seed=5)["y"])
    with pytest.raises(ValueError, match="n=51 of a split of 50"):
        split.examples(51)


def test_indices_out_of_range_are_an_error() -> None:
    split = TableSplit(table(torch.zeros(5, 2, dtype=torch.uint8)), torch.tensor([0, 2]))
    with pytest.raises(IndexError):
        split.batch(torch.tensor([2]))
    with pytest.raises(ValueError, match="got 5, expected 2"):
        split.batch(torch.ones(5, dtype=torch.bool))


def test_batches_of_a_loaded_set_are_its_pixels(make_set: Callable[..., Any]) -> None:
    images = make_set("noise", n=30, shape=(3, 4, 7))
    data = load("noise", validation=0.3, seed=9)
    for split in (data.train, data.validation):
        batch = split.batch(slice(None))
        assert split.rows is not None
        rows = split.rows.numpy()
        assert np.array_equal(((batch["x"] * 127.5) + 127.5).round().to(torch.uint8).numpy(), images[rows])
        assert np.array_equal(batch["y"].numpy(), rows % 10)
    assert len(data.train) + len(data.validation) == 30


def test_rows_that_belong_together_stay_on_one_side() -> None:
    together = torch.arange(100) // 4
    train, validation = cut(100, 0.1, 3, together=together)
    assert train is not None
    assert not set(together[train].tolist()) & set(together[validation].tolist())
    assert len(validation) == 12, "the smallest number of whole groups that holds a tenth"
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(100))


def test_groups_of_one_row_change_nothing() -> None:
    plain, grouped = cut(50, 0.2, 7), cut(50, 0.2, 7, together=torch.arange(50).flip(0))
    assert all(torch.equal(a, b) for a, b in zip(plain, grouped, strict=True) if a is not None and b is not None)


def test_a_caption_that_trains_does_not_validate() -> None:
    data = load("captioned_digits")
    train, validation = (set(split.text(slice(None))) for split in (data.train, data.validation))
    assert validation
    assert not train & validation
