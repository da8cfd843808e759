"""Who goes on from whom, and with which values, as a pure function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Float, Int, Space
from gibbsweep.tune.population.evolution import Member, active_domains, evolve, perturb
from gibbsweep.tune.samplers import unit_cube
from gibbsweep.tune.schedulers.generations import boundaries

SPACE: Space = {
    "rate": Float(1e-4, 1.0, log=True),
    "momentum": Float(0.0, 0.99),
    "k": Int(1, 20, log=True),
    "width": Choice(16, 32, 64),
    "optimizer": Choice(
        "sgd", "adam", then={"sgd": {"nesterov": Choice(True, False)}, "adam": {"beta": Float(0.5, 0.99)}}
    ),
}  # fmt: skip
EVOLVES = ("rate", "momentum", "k", "nesterov", "beta")

losses = st.one_of(st.floats(-10, 10), st.sampled_from([0.0, math.nan, math.inf, -math.inf]))
populations = st.lists(losses, min_size=4, max_size=40).map(
    lambda found: [Member(n, loss, unit_cube.random_point(SPACE, 0, n, {})) for n, loss in enumerate(found)]
)


@given(populations, st.integers(0, 2**31), st.integers(1, 1000))
def test_what_a_decision_is(members: list[Member], seed: int, step: int) -> None:
    changes = evolve(members, SPACE, EVOLVES, seed=seed, step=step)
    assert changes == evolve(list(reversed(members)), SPACE, EVOLVES, seed=seed, step=step), "whoever came first"
    losers, donors = set(changes), {change.donor for change in changes.values()}
    assert not losers & donors
    by_number = {member.number: member for member in members}
    assert all(math.isfinite(by_number[donor].loss) for donor in donors)
    alive = sorted(member.loss for member in members if math.isfinite(member.loss))
    lost = {member.number for member in members if not math.isfinite(member.loss)}
    quarter = max(1, len(members) // 4)
    if alive:
        assert lost <= losers, "what is lost is replaced, however much it is"
        assert all(by_number[donor].loss <= alive[min(quarter, len(alive)) - 1] for donor in donors)
    else:
        assert not changes
    assert len(losers) <= max(quarter, len(lost))
    for number, change in changes.items():
        before = by_number[change.donor]
        assert before.loss < by_number[number].loss or number in lost
        domains = active_domains(SPACE, change.values)
        assert set(domains) == set(change.values) == set(before.values)
        for path, value in change.values.items():
            if path not in EVOLVES:
                assert value == before.values[path], "inherited whole"
            domain = domains[path]
            assert value in domain.options if isinstance(domain, Choice) else domain.low <= value <= domain.high


@given(st.integers(4, 30), st.floats(-5, 5), st.integers(0, 99))
def test_equal_losses_change_nothing(n: int, loss: float, seed: int) -> None:
    members = [Member(number, loss, unit_cube.random_point(SPACE, 0, number, {})) for number in range(n)]
    assert evolve(members, SPACE, EVOLVES, seed=seed, step=10) == {}


def test_the_worst_quarter_takes_over_the_best() -> None:
    members = [Member(n, float(n), {"rate": 0.01, "width": 32}) for n in range(16)]
    space = {"rate": SPACE["rate"], "width": SPACE["width"]}
    seen = set()
    for seed in range(40):
        changes = evolve(members, space, ("rate",), seed=seed, step=5)
        assert set(changes) == {12, 13, 14, 15}
        seen |= {change.donor for change in changes.values()}
    assert seen == {0, 1, 2, 3}
    assert evolve(members, space, ("rate",), seed=0, step=5) != evolve(members, space, ("rate",), seed=0, step=10)


def moved(domain: Any, value: Any, n: int = 4000) -> list[Any]:
    dice = np.random.default_rng(0)
    return [perturb(domain, value, dice) for _ in range(n)]


def test_a_number_is_multiplied_or_drawn_again() -> None:
    """A quarter is drawn again; of the others half get each factor. Standard error of a share of 4000: .008."""
    found = moved(Float(1e-4, 1.0, log=True), 0.01)
    for factor in (0.8, 1.2):
        assert sum(value == 0.01 * factor for value in found) / 4000 == pytest.approx(0.375, abs=4 * 0.008)
    assert min(found) < 2e-4 and max(found) > 0.5


def test_whole_numbers_and_options_move_to_a_neighbour() -> None:
    assert {1, 2} <= {v for v in moved(Int(1, 3), 1, 50)}
    counts = {v: moved(Int(0, 1000), 100).count(v) for v in (80, 120)}
    assert min(counts.values()) > 1300
    options = moved(Choice("a", "b", "c", "d", "e"), "c")
    assert min(options.count("b"), options.count("d")) > 1300 and options.count("a") < 400
    assert set(moved(Float(0.0, 0.99), 0.99, 50)) - {0.99 * 0.8, 0.99}, "drawn again"
    assert max(moved(Float(0.0, 0.99), 0.9)) <= 0.99


def test_generations_are_equal_parts() -> None:
    assert boundaries(200, 4) == (50, 100, 150)
    assert boundaries(10, 3) == (3, 7)
    with pytest.raises(UserError, match="--generations 8 needs as many updates, and there are 5"):
        boundaries(5, 8)
