"""Turning words into options, and mistakes into one sentence and exit code 2."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import re
import sys
from collections.abc import Container, Iterator, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gibbsweep.errors import UserError

T = TypeVar("T")


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """Inside, a UserError ends the program with its sentence and exit code 2."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def parse(options: type[T], words: Sequence[str], *, prog: str, description: str) -> T:
    """``words`` as an instance of the dataclass ``options``; UserError for an option or value that it does not know."""
    import tyro

    captured = io.StringIO()
    unknown: list[str] = []
    try:
        with contextlib.redirect_stderr(captured):
            parsed, unknown = tyro.cli(
                options, args=_joined(words, _variadic(options)), prog=prog, description=description, return_unknown_args=True,
                config=_shown(),
            )  # fmt: skip
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        # What follows a misspelt option is in the way of something else, which is then complained of.
        unknown = [word for word in words if word.startswith("--") and _option(word) not in _known(options, prog)]
        if not unknown:
            raise UserError(f"{_sentence(captured.getvalue())} (see {prog} --help).") from None
    if unknown:
        close = difflib.get_close_matches(_option(unknown[0]), _known(options, prog), n=1)
        hint = f"did you mean {close[0]}?" if close else f"see {prog} --help."
        raise UserError(f"{unknown[0]!r} is not an option of {prog}: {hint}")
    return parsed


def _shown() -> tuple[Any, ...]:
    """How tyro shows options: without the choice of None, --no-x beside --x, and STR for what is named by its place."""
    from tyro import conf

    return conf.DisallowNone, conf.FlagCreatePairsOff, conf.PositionalMetavarFromFieldName


def _option(word: str) -> str:
    return word.split("=")[0].replace("_", "-")


def _variadic(options: Any) -> set[str]:
    """The options that take any number of values."""
    found: set[str] = set()
    for name, hint in get_type_hints(options).items():
        kinds = [hint, *get_args(hint)]  # tuple[str, ...] | None
        if any(get_origin(kind) is tuple and Ellipsis in get_args(kind) for kind in kinds):
            found.add(f"--{name.replace('_', '-')}")
        elif dataclasses.is_dataclass(hint):
            found |= _variadic(hint)
    return found


def _joined(words: Sequence[str], variadic: Container[str]) -> list[str]:
    """``words`` in which each of the ``variadic`` options comes once, with the values of all times that it came: the last one would
    silently replace the others."""
    found: list[str] = []
    values: dict[str, list[str]] = {}
    taking: list[str] = found
    for word in words:
        option, equals, value = word.partition("=")
        option = option.replace("_", "-")
        if word.startswith("--") and option in variadic:
            taking = values.setdefault(option, [])
            taking += [value] if equals else []
        else:
            taking = found if word.startswith("--") else taking
            taking.append(word)
    return found + [word for option, given in values.items() for word in (option, *given)]


def _known(options: type[object], prog: str) -> list[str]:
    import tyro

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(options, args=["--help"], prog=prog, config=_shown())
    return sorted(set(re.findall(r"--[a-z][a-z-]*", text.getvalue())))


def _sentence(box: str) -> str:
    """The message inside tyro's box, which is of dashes where a terminal has no lines, on one line."""
    words = re.sub(r"[╭╮╰╯│─┃━┏┓┗┛]|-{3,}", " ", re.sub(r"\x1b\[[0-9;]*m", "", box))
    text = " ".join(words.split())
    text = re.split(" Argument helptext| For full helptext", text)[0]
    text = re.sub(r"^Required options Missing from .*?: (\S+) (.*) \(required\)", r"\1 is missing: \2", text)
    text = re.sub(r"^(Parsing error|Invalid (arguments?|choice)|Missing argument|Value error)\s*", "", text)
    text = re.sub(r"\. Expected one of \((.*)\)", lambda found: f": use one of {_choices(found[1])}", text)
    return text.rstrip(". ")


def _choices(words: str) -> str:
    """Tyro's list of them, in a fixed order. None is what an option has that was not given, not what it takes."""
    return ", ".join(sorted(word for word in re.findall(r"'(.*?)'", words) if word != "None"))
