"""The words of a command line as options, and mistakes as one sentence and exit code 2."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import io
import re
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gibbsweep.errors import UserError

T = TypeVar("T")

_REWRITES = (
    # Tyro draws its messages in a box, of dashes where a terminal has no lines, and in colours.
    (r"\x1b\[[0-9;]*m", ""),
    (r"[╭╮╰╯│─┃━┏┓┗┛]|-{3,}", " "),
    (r"\s+", " "),
    (r"^ | $", ""),
    # The help of the option, and where to find more help, follow the message.
    (r" (Argument helptext|For full helptext).*", ""),
    # The title of the box says what the message says. A missing option has no message but its help.
    (r"^Required options Missing from .*?: (\S+) (.*) \(required\)", r"\1 is missing: \2"),
    (r"^(Parsing error|Invalid (arguments?|choice)|Missing argument|Value error)\s*", ""),
)
"""The rewriting of tyro's message, in this order: (pattern, replacement). Its structured errors are private
(`tyro._errors`) and may change in any release; should its wording change, a sentence has a few words too many."""


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """A context in which a UserError ends the program with its sentence and exit code 2."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def parse(options: type[T], words: Sequence[str], *, prog: str, description: str) -> T:
    """Parse ``words`` into an instance of the dataclass ``options``::

        parse(StopOptions, ["cd_k-1", "--wait", "60"], prog="gibbsweep stop", description="Stop a sweep.")

    Raises UserError for an unknown option, with the closest one, and for a wrong or missing value.
    """
    import tyro

    captured = io.StringIO()
    unknown: list[str] = []
    try:
        with contextlib.redirect_stderr(captured):
            parsed, unknown = tyro.cli(
                options,
                args=_merge_repeated(words, _variadic_options(options)),
                prog=prog,
                description=description,
                return_unknown_args=True,
                config=tyro_config(),
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        # The values of a misspelt option take the place of other words, of which tyro then complains.
        options_of_prog = _option_names(options, prog)
        unknown = [word for word in words if word.startswith("--") and _option_name(word) not in options_of_prog]
        if not unknown:
            raise UserError(f"{_sentence(captured.getvalue())} (see {prog} --help).") from None
    if unknown:
        close = difflib.get_close_matches(_option_name(unknown[0]), _option_names(options, prog), n=1)
        hint = f"did you mean {close[0]}?" if close else f"see {prog} --help."
        raise UserError(f"{unknown[0]!r} is not an option of {prog}: {hint}")
    return _with_home(parsed)


def _with_home(options: T) -> T:
    """``options`` with ~ expanded in every path: a shell leaves it in ``--runs=~/sweeps``. Raises UserError where the
    home folder is not known."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(options):  # type: ignore[arg-type]
        value = getattr(options, field.name)
        if isinstance(value, Path):
            try:
                changes[field.name] = value.expanduser()
            except RuntimeError as error:
                raise UserError(f"{value} names a home folder that is not known: write the path out.") from error
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes[field.name] = _with_home(value)
    return dataclasses.replace(options, **changes)  # type: ignore[type-var]


def tyro_config() -> tuple[Any, ...]:
    """Tyro's settings: it shows options without the choice of None, without --no-x beside --x, and positional values by
    their names."""
    from tyro import conf

    return conf.DisallowNone, conf.FlagCreatePairsOff, conf.PositionalMetavarFromFieldName


def _option_name(word: str) -> str:
    """The option of ``--option=value`` or ``--option``, spelt with dashes."""
    return word.split("=")[0].replace("_", "-")


def _variadic_options(options: Any) -> set[str]:
    """The options of a dataclass that take any number of values."""
    names: set[str] = set()
    for name, hint in get_type_hints(options).items():
        kinds = [hint, *get_args(hint)]  # tuple[str, ...] | None
        if any(get_origin(kind) is tuple and Ellipsis in get_args(kind) for kind in kinds):
            names.add(f"--{name.replace('_', '-')}")
        elif dataclasses.is_dataclass(hint):
            names |= _variadic_options(hint)
    return names


def _merge_repeated(words: Sequence[str], variadic: Container[str]) -> list[str]:
    """``words`` with each of the ``variadic`` options once, followed by the values of all its occurrences. In tyro the
    last occurrence would silently replace the others."""
    others: list[str] = []
    values: dict[str, list[str]] = {}
    target: list[str] = others
    for word in words:
        option, equals, value = word.partition("=")
        option = option.replace("_", "-")
        if word.startswith("--") and option in variadic:
            target = values.setdefault(option, [])
            target += [value] if equals else []
        else:
            target = others if word.startswith("--") else target
            target.append(word)
    return others + [word for option, of_option in values.items() for word in (option, *of_option)]


def _option_names(options: type[object], prog: str) -> list[str]:
    """All options of ``prog``, as its help lists them."""
    import tyro

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(options, args=["--help"], prog=prog, config=tyro_config())
    return sorted(set(re.findall(r"--[a-z][a-z-]*", text.getvalue())))


def _sentence(box: str) -> str:
    """The message inside tyro's ``box``, on one line."""
    for pattern, replacement in _REWRITES:
        box = re.sub(pattern, replacement, box)
    return re.sub(r"\. Expected one of \((.*)\)", _use_one_of, box).rstrip(". ")


def _use_one_of(match: re.Match[str]) -> str:
    """Tyro's list of choices in a fixed order, without None, which stands for an option that was not given."""
    choices = sorted(word for word in re.findall(r"'(.*?)'", match[1]) if word != "None")
    return f": use one of {', '.join(choices)}"
