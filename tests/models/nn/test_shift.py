"""Random translations: whole, cyclic, one an example."""

from __future__ import annotations

import pytest
import torch

from gibbsweep_models.draws import rand, seeded
from gibbsweep_models.nn.transforms.shift import random_shift


@pytest.mark.parametrize("shape", [(1, 9), (1, 6, 5), (3, 8, 8), (1, 4, 5, 6)], ids=str)
def test_every_example_is_a_roll_of_itself(shape: tuple[int, ...]) -> None:
    x = rand((40, *shape), generator=seeded(0))
    moved = random_shift(x, 1, generator=seeded(1))
    seen = set()
    axes = tuple(range(1, len(shape)))
    moves = torch.cartesian_prod(*(torch.arange(-1, 2) for _ in axes)).view(-1, len(axes)).tolist()
    for before, after in zip(x, moved, strict=True):
        found = [tuple(move) for move in moves if torch.equal(before.roll(move, axes), after)]
        assert len(found) == 1
        seen |= set(found)
    assert len(seen) > 2


def test_no_shift_draws_nothing() -> None:
    x, generator = rand((2, 1, 3), generator=seeded(0)), seeded(1)
    state = generator.get_state()
    assert random_shift(x, 0, generator=generator) is x
    assert torch.equal(generator.get_state(), state)
    with pytest.raises(ValueError, match="at least 0"):
        random_shift(x, -1, generator=generator)
