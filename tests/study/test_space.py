"""Spaces name fields that exist, and values land where their paths point."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.tiny import RBM, study

from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Float, Int
from gibbsweep.study.space import check_paths, describe, flatten, walk, with_values


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1


@dataclass(frozen=True)
class Outer:
    k: int = 1
    inner: Inner = field(default_factory=Inner)
    betas: tuple[float, float] = (0.9, 0.99)


def test_values_replace_fields_at_any_depth_and_nothing_else() -> None:
    config = Outer()
    changed = with_values(config, {"inner.rate": 0.5, "k": 3})
    assert changed == Outer(3, Inner(0.5))
    assert config == Outer()
    assert flatten(changed) == {"k": 3, "inner.rate": 0.5, "betas": [0.9, 0.99]}


@pytest.mark.parametrize(
    ("path", "hint"),
    [("learning_rat", "did you mean 'learning_rate'"), ("k.deeper", "no field 'deeper'"), ("zzz", "it has n_hidden")],
)
def test_a_path_that_names_no_field_is_refused_when_the_study_is_made(path: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        study(contenders={"rbm": Contender(RBM, "energy", {path: Float(0.0, 1.0)})})


def test_a_list_from_json_is_the_tuple_it_was() -> None:
    assert with_values(Outer(), {"betas": [0.5, 0.9]}) == Outer(betas=(0.5, 0.9))


def test_a_path_in_a_branch_is_checked_too() -> None:
    space = {"centred": Choice(True, False, then={True: {"offset_rat": Float(0.001, 0.1)}})}
    with pytest.raises(UserError, match="offset_rate"):
        check_paths(RBM, space)


def test_comparing_what_is_no_choice_is_refused() -> None:
    with pytest.raises(UserError, match="not a Choice"):
        study(contenders={"rbm": Contender(RBM, "energy", {"learning_rate": Float(0.1, 0.2)}, compare="learning_rate")})
    with pytest.raises(UserError, match="compares 'learning_rate', which is not a Choice"):
        space = {"k": Choice(1, 2), "learning_rate": Float(0.1, 0.2)}
        study(contenders={"rbm": Contender(RBM, "energy", space, compare=("k", "learning_rate"))})


@pytest.mark.parametrize(
    "make",
    [
        lambda: Float(1.0, 1.0),
        lambda: Float(0.0, 1.0, log=True),
        lambda: Int(3, 2),
        lambda: Int(0, 2, log=True),
        lambda: Choice(),
        lambda: Choice(1, 2, then={3: {}}),
    ],
)
def test_an_impossible_domain_is_refused(make: object) -> None:
    with pytest.raises(UserError):
        make()  # type: ignore[operator]


def test_walk_and_describe_see_every_branch() -> None:
    space = {"a": Choice("x", "y", then={"x": {"b": Int(1, 4)}}), "c": Float(0.1, 1.0, log=True)}
    assert [path for path, _ in walk(space)] == ["a", "b", "c"]
    assert describe(space) == {
        "a": {"choice": ["x", "y"], "then": {"x": {"b": {"int": [1, 4], "log": False}}}},
        "c": {"float": [0.1, 1.0], "log": True},
    }
