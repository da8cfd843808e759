"""Options that take several values, given once or several times."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from pathlib import Path

import pytest
from tyro.conf import OmitArgPrefixes

from gibbsweep.cli.shell.parse import parse
from gibbsweep.errors import UserError
from gibbsweep.tune.options.options import SweepOptions


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


def test_a_home_folder_is_expanded_also_after_an_equals_sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    both = make_dataclass("Both", [("sweep", OmitArgPrefixes[SweepOptions])], frozen=True)
    for words in (["--runs=~/sw"], ["--runs", "~/sw"]):
        assert parse(SweepOptions, words, prog="x", description="").runs == tmp_path / "sw"
        assert parse(both, words, prog="x", description="").sweep.runs == tmp_path / "sw"  # type: ignore[attr-defined]
    assert parse(SweepOptions, ["--runs", "a/~b"], prog="x", description="").runs == Path("a/~b")
