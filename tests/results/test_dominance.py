"""Fronts, their order and the volume they dominate, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gibbsweep.results.dominance import dominates, front_ranks, hypervolume, order_by_fronts, spread


def vectors(objectives: int, most: int = 12) -> st.SearchStrategy[list[tuple[float, ...]]]:
    """Few different values, so that there are ties and equal vectors."""
    return st.lists(st.tuples(*[st.integers(0, 5).map(float)] * objectives), min_size=1, max_size=most)


any_vectors = st.integers(1, 4).flatmap(vectors)


@given(any_vectors)
def test_a_front_is_dominated_by_the_one_before_and_by_none_of_its_own(losses: list[tuple[float, ...]]) -> None:
    ranks = front_ranks(losses)
    for a, rank in zip(losses, ranks, strict=True):
        above = {other for b, other in zip(losses, ranks, strict=True) if dominates(b, a)}
        assert max(above, default=-1) == rank - 1


@given(any_vectors)
def test_the_order_is_by_front_and_begins_with_the_best_of_each_objective(losses: list[tuple[float, ...]]) -> None:
    order, ranks = order_by_fronts(losses), front_ranks(losses)
    assert sorted(order) == list(range(len(losses)))
    assert [ranks[i] for i in order] == sorted(ranks)
    front = [losses[i] for i in range(len(losses)) if ranks[i] == 0]
    first = [losses[i] for i in order[: len(losses[0])]]
    for objective in range(min(len(losses[0]), len(front))):
        assert min(v[objective] for v in first) == min(v[objective] for v in front)
    for count in range(len(losses) + 1):
        assert order_by_fronts(losses, count) == order[:count]


def test_after_the_extremes_comes_the_middle_of_the_largest_gap() -> None:
    """A front from (0, 1000) to (1, 0): each objective counts in its own range."""
    front = [(0.5, 500.0), (0.0, 1000.0), (0.1, 900.0), (1.0, 0.0), (0.25, 750.0)]
    assert spread(front) == [1, 3, 0, 4, 2]
    assert spread(front, 3) == [1, 3, 0]
    assert spread([(1.0, 1.0), (1.0, 1.0)]) == [0, 1]
    assert spread([]) == []


def test_what_is_not_finite_comes_last() -> None:
    assert order_by_fronts([(0.0, math.inf), (3.0, 3.0), (math.nan, 0.0), (2.0, 2.0)]) == [3, 1, 0, 2]


def test_constraints_and_objectives_of_any_size_compare() -> None:
    assert order_by_fronts([(1.5e300, 1.5e300), (2e300, 2e300), (1.0, 2.0), (2.0, 1.0)]) == [2, 3, 0, 1]


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_a_hypervolume_is_the_share_of_points_that_are_dominated(objectives: int) -> None:
    dice = np.random.default_rng(objectives)
    losses = [tuple(v) for v in dice.random((6, objectives))] + [(2.0,) * objectives]
    points = dice.random((20_000, objectives))
    dominated = np.any([np.all(points >= np.array(v), axis=1) for v in losses], axis=0)
    share = dominated.mean()
    error = 4 * math.sqrt(share * (1 - share) / len(points)) + 1e-12
    assert hypervolume(losses, (1.0,) * objectives) == pytest.approx(share, abs=error)


def test_the_hypervolume_of_two_boxes_that_overlap() -> None:
    assert hypervolume([(0.0, 0.5), (0.5, 0.0)], (1.0, 1.0)) == pytest.approx(0.75)
    assert hypervolume([], (1.0, 1.0)) == hypervolume([(1.0, 0.0)], (1.0, 1.0)) == 0.0
