"""Importances against variances that are known in closed form."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from tests.results.pretended import results

from gibbsweep.results.results import Results
from gibbsweep.tune.search.importance import LEAST_TRIALS, MOST_TRIALS, importances

UNIT = FloatDistribution(0.0, 1.0)


def trials(
    n: int, spaces: dict[str, BaseDistribution], value: Callable[..., float], seed: int = 0, **fixed: str
) -> list[FrozenTrial]:
    """``n`` trials drawn uniformly from ``spaces``, worth ``value`` of their parameters."""
    draw = random.Random(seed)
    made = []
    for _ in range(n):
        params = {
            name: draw.choice(d.choices) if isinstance(d, CategoricalDistribution) else draw.random()
            for name, d in spaces.items()
        }
        made.append(
            create_trial(
                params={**params, **fixed},
                distributions={**spaces, **{name: CategoricalDistribution(["a", "b"]) for name in fixed}},
                value=value(**params),
            )
        )
    return made


def test_a_linear_goal_is_split_by_its_squared_slopes() -> None:
    """Var(a x + b y) = (a² + b²) / 12 for uniform x, y; z does nothing."""
    a, b = 3.0, 2.0
    made = trials(300, {"x": UNIT, "y": UNIT, "z": UNIT}, lambda x, y, z: a * x + b * y)
    found = importances({"": made}, ())
    assert found["x"] == pytest.approx(a**2 / (a**2 + b**2), abs=0.07)
    assert found["y"] == pytest.approx(b**2 / (a**2 + b**2), abs=0.07)
    assert found["z"] < 0.02
    assert sum(found.values()) <= 1 + 1e-9


def test_of_many_trials_as_many_as_are_enough_are_looked_at_from_first_to_last() -> None:
    made = trials(MOST_TRIALS, {"x": UNIT, "y": UNIT}, lambda x, y: x - y * y)
    twice = [trial for trial in made for _ in range(2)]
    assert importances({"": twice}, ()) == pytest.approx(importances({"": made}, ()))


def test_a_conditional_space_is_split_between_its_question_and_each_branch() -> None:
    """Half the trials are worth x, the others c + s · (a choice of 0 and 1): the variance between the two is
    (difference of means)² / 4, inside them 1 / 12 and s² / 4, half of each in the total."""
    c, s = 1.0, 0.5
    one = trials(200, {"x": UNIT}, lambda x: x, form="a")
    other = trials(200, {"k": CategoricalDistribution([0, 1])}, lambda k: c + s * k, seed=1, form="b")
    found = importances({"form=a": one, "form=b": other}, ("form",))
    between, in_one, in_other = (c + s / 2 - 0.5) ** 2 / 4, 1 / 24, s**2 / 8
    total = between + in_one + in_other
    assert set(found) == {"form", "form=a x", "form=b k"}
    assert found["form"] == pytest.approx(between / total, abs=0.05)
    assert found["form=a x"] == pytest.approx(in_one / total, abs=0.05)
    assert found["form=b k"] == pytest.approx(in_other / total, abs=0.05)


def test_what_only_some_trials_of_a_group_have_is_left_out() -> None:
    whole = trials(20, {"x": UNIT, "inner": UNIT}, lambda x, inner: x + inner)
    found = importances({"": whole + trials(20, {"x": UNIT}, lambda x: x)}, ())
    assert set(found) == {"x"}


def test_too_few_trials_or_one_value_say_nothing() -> None:
    assert importances({}, ("form",)) == {}
    assert importances({"": trials(LEAST_TRIALS - 1, {"x": UNIT}, lambda x: x)}, ()) == {}
    assert importances({"": trials(10, {"x": UNIT}, lambda x: 1.0)}, ()) == {}
    two_and_two = {f"form={o}": trials(2, {"x": UNIT}, lambda x: x + ord(o), form=o) for o in "ab"}  # noqa: B023
    assert set(importances(two_and_two, ("form",))) == {"form"}


def test_a_trial_without_a_value_is_refused() -> None:
    pruned = optuna.trial.create_trial(state=TrialState.PRUNED)
    with pytest.raises(ValueError, match="PRUNED"):
        importances({"": [pruned]}, ())


def test_the_results_file_keeps_them_and_older_files_have_none() -> None:
    before = replace(results(), importances={"rbm": {"k": 0.5, "k=3 learning_rate": 0.25}})
    assert Results.from_json(before.to_json()) == before
    assert math.isclose(sum(before.importances["rbm"].values()), 0.75)
    assert results().importances == {}
