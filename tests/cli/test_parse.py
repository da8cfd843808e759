"""Options that take several values, given once or several times."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gibbsweep.cli.parse import parse
from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Options:
    set: tuple[str, ...] = ()
    only_these: tuple[str, ...] | None = None
    trials: int = 3


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", Options()),
        ("--set a=1 b=2", Options(("a=1", "b=2"))),
        ("--set a=1 --trials 5 --set b=2 c=3", Options(("a=1", "b=2", "c=3"), trials=5)),
        ("--set=a=1 --set=b=2", Options(("a=1", "b=2"))),
        ("--only_these x --trials=1 --only-these y", Options((), ("x", "y"), 1)),
        ("--trials 1 --trials 2", Options(trials=2)),
    ],
)
def test_no_value_is_dropped(words: str, found: Options) -> None:
    assert parse(Options, words.split(), prog="x", description="") == found


def test_an_unknown_option_beside_them_is_told() -> None:
    with pytest.raises(UserError, match="'--trails' is not an option of x: did you mean --trials"):
        parse(Options, ["--set", "a=1", "--trails", "2", "--set", "b=2"], prog="x", description="")
