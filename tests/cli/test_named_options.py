"""Errors and docstrings that name an option of the command line name one that exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tiny import STUDY

import gibbsweep
from gibbsweep.cli import main, run_study
from gibbsweep.cli.main import COMMANDS

assert gibbsweep.__file__ is not None
PACKAGE = Path(gibbsweep.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
WHERE_OPTIONS_ARE_MADE = ("cli/", "tune/options/")
OF_OTHERS = {"--add", "--experiment-id", "--global", "--porcelain", "--untracked-files"} | {
    "--allowed-hosts",
    "--backend-store-uri",
    "--default-artifact-root",
    "--host",
    "--port",
    "--run-ids",
    "--tracking-uri",
    "--workers",
}
"""Options of git and of mlflow."""
WITHOUT_OPTIONS = ("train/", "folder/", "track/")
"""Packages that a program without our command line may use: their errors name fields."""


def shown(words: list[str], capsys: pytest.CaptureFixture[str], *, study: bool = False) -> set[str]:
    """The options that the help of a command shows."""
    with pytest.raises(SystemExit) as stop:
        run_study(STUDY, words) if study else main(words)
    assert stop.value.code == 0
    return set(OPTION.findall(capsys.readouterr().out))


def named() -> Iterator[tuple[str, str]]:
    """(module and line, option) of every option that a string of the platform names."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module.startswith(WHERE_OPTIONS_ARE_MADE):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from ((f"{module}:{node.lineno}", option) for option in OPTION.findall(node.value))


def test_every_option_that_the_platform_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    options = shown(["--help"], capsys, study=True)
    assert {"--trials", "--from", "--gpus-per-trial"} <= options
    for command in COMMANDS:
        options |= shown([*command.split(), "--help"], capsys)
    places = list(named())
    assert len(places) > 20, "the search for options has gone astray"
    assert not [(place, option) for place, option in places if option not in options | OF_OTHERS]


def test_what_stands_below_the_command_line_names_no_option() -> None:
    below = [(place, option) for place, option in named() if place.startswith(WITHOUT_OPTIONS)]
    assert not [(place, option) for place, option in below if option not in OF_OTHERS]
