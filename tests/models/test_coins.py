"""Units in half precision from eight bits each: their means, their independence, workers and blocks."""

import pytest
import torch
from torch import Tensor

from gibbsweep_models import coins
from gibbsweep_models.draws import ExampleGenerator, bernoulli, seeded, tosses


def toss(p: Tensor, calls: int = 1, seed: int = 0) -> Tensor:
    """(calls, B, U) units with means ``p`` (B, U) of one call of a sampler."""
    toss = tosses(calls * p.numel(), generator=seeded(seed), dtype=torch.bfloat16)
    return torch.stack([toss(p) for _ in range(calls)])


def test_means_are_exact_on_a_grid_and_certain_at_its_ends() -> None:
    """Between and on the multiples of 1/256, and where 8 bits alone would say 0 or 1."""
    small = torch.tensor([2.0**-14, 2.0**-10, 1 / 300, 1 / 256, 1.5 / 256, 0.05])
    middle = torch.linspace(0.1, 0.9, 33)
    p = torch.cat([torch.tensor([0.0]), small, middle, 1 - small, torch.tensor([1.0])])
    calls, rows = 50, 4000
    units = toss(p.expand(rows, -1), calls)
    assert units.dtype == torch.bfloat16 and bool(((units == 0) | (units == 1)).all())
    mean = units.float().mean(dim=(0, 1))
    assert mean[0] == 0.0 and mean[-1] == 1.0
    standard_error = (p * (1 - p) / (calls * rows)).sqrt()
    assert bool(((mean - p).abs() <= 4 * standard_error).all())


def test_the_largest_number_below_1_and_the_smallest_above_0_are_rarely_rounded() -> None:
    p = torch.tensor([2.0**-24, 1.0 - 2.0**-24]).expand(2000, 2)
    mean = toss(p, 20).float().mean(dim=(0, 1))
    assert float(mean[0]) < 1e-3 and float(mean[1]) > 1 - 1e-3


def test_the_table_holds_every_share_once() -> None:
    table = coins._table(100)
    entries = coins._ENTRIES
    assert torch.equal(table[:entries].sort(descending=True).values * -entries, torch.arange(float(entries)))
    assert torch.equal(table[entries : entries + 100], table[:100]) and len(table) >= entries + 100


def test_units_of_one_word_of_one_column_and_of_one_entry_are_independent() -> None:
    """A word has eight units; the share of a unit serves the one ``_STRIDE`` on in the row before too."""
    p, rows, width = 0.3, 4000, 80
    units = toss(torch.full((rows, width), p), 10).float() - p
    bound = 4 * p * (1 - p) / (10 * rows) ** 0.5
    pairs = [(units[..., 0], units[..., lag]) for lag in range(1, 17)]
    pairs += [(units[:, :-lag, 3], units[:, lag:, 3]) for lag in (1, 2, 3)]
    pairs += [(units[:, 1:, 5], units[:, :-1, 5 + coins._STRIDE])]
    pairs += [(units[:-1, :, 7], units[1:, :, 7])]
    for ours, theirs in pairs:
        assert abs(float((ours * theirs).mean())) < 4 * p * (1 - p) / ours.numel() ** 0.5 <= 1.1 * bound


def test_the_sum_of_a_draw_varies_as_that_of_independent_units() -> None:
    """All units half way between two roundings: were they rounded alike, the sum would vary by a third more."""
    p, calls = torch.full((100, 200), 100.5 / 256), 2000
    total = toss(p, calls).sum(dim=(1, 2), dtype=torch.float32)
    independent = float((p * (1 - p)).sum())
    assert abs(float(total.var()) / independent - 1) < 4 * (2 / calls) ** 0.5


@pytest.mark.parametrize("largest", [2**21, 150])
def test_workers_draw_their_rows_of_the_global_draw(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coins, "_LARGEST_BLOCK", largest)  # 150: a new block at every other draw
    p, q = torch.rand(6, 11), torch.rand(6, 70)

    def draw(rows: slice, rank: int, world_size: int) -> Tensor:
        generator = seeded(5, rank=rank, world_size=world_size)
        toss = tosses(3 * (p[rows].numel() + q[rows].numel()), generator=generator, dtype=torch.bfloat16)
        units = torch.cat([toss(x[rows]) for _ in range(3) for x in (p, q)], dim=1)
        return torch.cat([units.float(), torch.rand(len(units), 1, generator=generator)], dim=1)

    whole = draw(slice(0, 6), 0, 1)
    shares = torch.cat([draw(slice(0, 3), 0, 2), draw(slice(3, 6), 1, 2)])
    assert torch.equal(whole[:, :-1], shares[:, :-1])
    assert torch.equal(whole[:3, -1], shares[:3, -1])  # and their generators stay alike
    assert torch.equal(whole, draw(slice(0, 6), 0, 1))


def test_units_are_written_where_they_are_wanted_and_nothing_else_is() -> None:
    p = torch.rand(7, 9).t()  # neither contiguous nor a multiple of a word
    kept, out = p.clone(), torch.empty(9, 7, dtype=torch.bfloat16)
    given = tosses(63, generator=seeded(1), dtype=torch.bfloat16)
    assert given(p, out=out) is out
    assert torch.equal(out, tosses(63, generator=seeded(1), dtype=torch.bfloat16)(p)) and torch.equal(p, kept)
    first = out.clone()
    given(p)
    assert torch.equal(out, first)


def test_other_types_and_a_generator_for_each_example_draw_as_before() -> None:
    p = torch.rand(4, 6)
    plain = tosses(24, generator=seeded(2), dtype=torch.float32)(p)
    assert torch.equal(plain, bernoulli(p, generator=seeded(2)))
    seeds = torch.arange(4)
    ours = tosses(24, generator=ExampleGenerator(seeds), dtype=torch.bfloat16)(p)
    assert torch.equal(ours, bernoulli(p, generator=ExampleGenerator(seeds), dtype=torch.bfloat16))
