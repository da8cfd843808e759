"""Rungs and ladders against the definition, computed anew from the whole list."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gibbsweep.errors import UserError
from gibbsweep.tune.schedulers.rungs import Ladder, Rung, assign_brackets, bracket_shares, rungs_for, rungs_of


def test_rungs_are_powers_of_eta_below_the_end() -> None:
    assert rungs_of(81, 3, 3) == (3, 9, 27)
    assert rungs_of(100, 3, 3) == (4, 12, 34)
    assert rungs_of(2, 3, 3) == (1,), "each once, none at the end"
    assert rungs_of(1, 3, 3) == ()
    with pytest.raises(UserError, match="at least 2"):
        rungs_of(81, 1, 3)


def test_so_many_trials_fill_so_many_rungs() -> None:
    assert [rungs_for(n, 3) for n in (1, 8, 9, 26, 27, 1000)] == [1, 1, 2, 2, 3, 3]


def test_brackets_get_their_shares_at_every_moment() -> None:
    shares = bracket_shares(rungs=3, brackets=3, eta=3)
    # Hyperband's weights: a bracket one rung higher starts a third of the trials, times 4/3 and 4/2 for its fewer
    # rungs.
    assert shares == pytest.approx([9 / 15, 4 / 15, 2 / 15])
    assigned = assign_brackets(300, shares)
    for n in (15, 100, 300):
        for bracket, share in enumerate(shares):
            assert abs(assigned[:n].count(bracket) - share * n) <= 1


@given(
    losses=st.lists(st.one_of(st.floats(-5, 5), st.just(math.inf)), max_size=40),
    eta=st.integers(2, 4),
    promote=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_who_is_promotable_follows_the_definition(losses: list[float], eta: int, promote: list[bool]) -> None:
    """Algorithm 2: among the best floor(n / eta) of all that came to the rung, the best that has not been promoted."""
    rung, promoted = Rung(eta), set()
    for number, loss in enumerate(losses):
        rung.add(number, (loss,))
        order = sorted(range(number + 1), key=lambda i: (losses[i], i))
        best = [i for i in order[: len(order) // eta] if i not in promoted and math.isfinite(losses[i])]
        assert rung.promotable() == (best[0] if best else None)
        if best and promote[number]:
            rung.remove(best[0])
            promoted.add(best[0])


def test_the_highest_rung_is_promoted_first_and_nothing_that_is_not_finite() -> None:
    ladder = Ladder((1, 3), eta=2)
    for number, loss in enumerate((3.0, 1.0, 2.0, math.nan)):
        ladder[1].add(number, (loss,))
    assert ladder.promotable() == (1, 1)
    ladder[1].remove(1)
    ladder[3].add(1, (0.5,))
    assert ladder.promotable() == (2, 1), "one trial alone at a rung is not among the best half of one"
    ladder[1].remove(2)
    ladder[3].add(2, (0.7,))
    assert ladder.promotable() == (1, 3)
    ladder[3].remove(1)
    ladder[3].remove(2)
    assert ladder.best_waiting() == (0, 1)
    ladder[1].remove(0)
    assert ladder.best_waiting() is None, "what is left is NaN"
    assert (ladder.after(1), ladder.after(3)) == (3, None)
