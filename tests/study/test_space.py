"""Spaces name fields that exist, and values land where their paths point."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import RBM, study

from gibbsweep.errors import UserError
from gibbsweep.study import Choice, Contender, Float, Int
from gibbsweep.study.field_types import check_values
from gibbsweep.study.space import check_paths, describe, flatten, walk, with_values
from gibbsweep_models.energy.rbm import RBMConfig


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


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Float(0.01, math.inf), r"a Float needs finite numbers .*: got \[0.01, inf\]"),
        (lambda: Float(-math.inf, 1.0), "finite"),
        (lambda: Float(-1e308, 1e308), "whose difference is finite"),
        (lambda: Float(1e-300, 1e300, log=True), "whose quotient is finite"),
        (lambda: Float(math.nan, 1.0), "low < high"),
        (lambda: Float("1e-3", "1e-1"), "a Float needs a number for low: got '1e-3', a str"),
        (lambda: Float("1e-1", "1e-3"), "a Float needs a number for low"),
        (lambda: Float(False, True), "a Float needs a number for low: got False, a bool"),
        (lambda: Int(1, 2.5), "an? Int needs a whole number for high: got 2.5, a float"),
        (lambda: Int(1, 10**400), "finite"),
        (lambda: Choice([4, 8, 16]), r"option \[4, 8, 16\], a list: did you mean Choice\(4, 8, 16\)\?"),
        (lambda: Choice(np.array([4, 8])), r"did you mean Choice\(4, 8\)\?"),
        (lambda: Choice(range(1, 4)), r"did you mean Choice\(1, 2, 3\)\?"),
        (lambda: Choice([8], [12, 12]), r"did you mean Choice\(\(8,\), \(12, 12\)\)\?"),
        (lambda: Choice({"a": 1}), "a dict: use numbers, strings"),
        (lambda: Choice(len, abs), "use numbers, strings"),
        (lambda: Choice(*Colour), "a Colour: use numbers"),
        (lambda: Choice(4, 4, 8), "the option 4 twice"),
        (lambda: Choice(1, 1.0, 2), "the options 1 and 1.0, which are equal"),
        (lambda: Choice(True, 1, False, 0), "the options True and 1, which are equal"),
        (lambda: Choice((1, 2), (1.0, 2)), "which are equal"),
        (lambda: Choice((1, 2), "(1, 2)"), "recorded as the same text"),
        (lambda: Choice(math.nan, 1.0), "equals nothing"),
    ],
)
def test_a_domain_that_no_search_could_use_is_refused_where_it_is_made(make: object, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make()  # type: ignore[operator]


class Colour(enum.StrEnum):
    RED = "red"


def test_numpy_scalars_are_taken_as_the_numbers_that_they_hold() -> None:
    assert repr(Int(np.int64(4), np.int64(16))) == "Int(low=4, high=16, log=False)"
    assert describe({"a": Float(np.float32(0.25), np.float64(1.0))}) == {"a": {"float": [0.25, 1.0], "log": False}}
    choice = Choice(*np.array([4, 8]), (np.int32(1), np.str_("x")), np.True_, then={np.int64(4): {}})
    assert json.dumps(describe({"a": choice})) == '{"a": {"choice": [4, 8, [1, "x"], true], "then": {"4": {}}}}'
    assert json.dumps(flatten(replace(RBM, n_hidden=np.int64(6)))) == json.dumps(flatten(RBM))


@dataclass(frozen=True)
class Stranger(RBMConfig):
    where: object = None


@pytest.mark.parametrize("value", [Path("/x"), len, frozenset({1}), Outer, {1, 2}, (1, Path("/x"))])
def test_a_configuration_that_json_cannot_hold_is_refused_with_the_path(value: object) -> None:
    with pytest.raises(UserError, match="Stranger has where=.*, which JSON cannot hold"):
        Contender(Stranger(where=value), "energy")


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"k": [1, 10]}, r"the space has \[1, 10\] at 'k', which is no domain: did you mean Choice\(1, 10\)\?"),
        ({"k": 3}, "use a Float, an Int or a Choice"),
        ({"centred": Choice(True, False, then={True: {"k": (1, 3)}})}, "at 'k', which is no domain"),
        ({"k": Float(0.5, 10)}, "k=0.5 is not a value of RBMConfig.k, which is int: for example k=1"),
        ({"k": Choice("1", "10")}, "k='1' is not a value of RBMConfig.k"),
        ({"learning_rate": Choice("0.1")}, "learning_rate='0.1' is not a value of RBMConfig.learning_rate"),
    ],
)
def test_a_space_that_its_configuration_cannot_take_is_refused(space: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        study(contenders={"rbm": Contender(RBM, "energy", space)})


@pytest.mark.parametrize("name", ["my/study", "/abs/study", "", ".hidden", "a b", "..", "a:b"])
def test_a_name_that_no_folder_can_have_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="a study is called .*, which names a folder"):
        study(name=name)
    with pytest.raises(UserError, match="a contender of study 'tiny' is called .*, which names a folder"):
        study(contenders={name: Contender(RBM, "energy")}, default=())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"k": "many"}, "k='many' is not a value of RBMConfig.k, which is int"),
        ({"k": 1.5}, "k=1.5"),
        ({"k": True}, "k=True"),
        ({"centred": 1}, "which is bool"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"learning_rate": 5.0}, r"learning_rate=5.0 lies outside \[0.01, 0.3\], in which its contender searches"),
        ({"learning_rat": 1}, "did you mean 'learning_rate'"),
    ],
)
def test_a_value_of_another_type_or_outside_the_space_is_refused(values: dict[str, Any], sentence: str) -> None:
    space = {"learning_rate": Float(0.01, 0.3, log=True)}
    with pytest.raises(UserError, match=sentence):
        check_values(RBM, values, space)


def test_a_value_that_its_field_can_have_is_taken() -> None:
    check_values(RBM, {"k": 7, "learning_rate": 0.3, "centred": False}, {"learning_rate": Float(0.01, 0.3)})
    check_values(Outer(), {"betas": (0.5, 1), "inner.rate": 2}, {})
