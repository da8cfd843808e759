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
            )  # fmt: skip
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise UserError(f"{_sentence(captured.getvalue())} (see {prog} --help).") from None
    if unknown:
        known = sorted(set(re.findall(r"--[a-z][a-z-]*", _help(options, prog))))
        close = difflib.get_close_matches(unknown[0].split("=")[0].replace("_", "-"), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"see {prog} --help."
        raise UserError(f"{unknown[0]!r} is not an option of {prog}: {hint}")
    return parsed


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


def _help(options: type[object], prog: str) -> str:
    import tyro

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(options, args=["--help"], prog=prog)
    return text.getvalue()


def _sentence(box: str) -> str:
    """The message inside tyro's box, on one line."""
    words = re.sub(r"[╭╮╰╯│─┃━┏┓┗┛]", " ", re.sub(r"\x1b\[[0-9;]*m", "", box))
    text = " ".join(words.split())
    text = re.sub(r"^(Parsing error|Invalid arguments?)\s*", "", text)
    return text.split(" For full helptext")[0].rstrip(". ")
