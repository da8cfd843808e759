"""Search spaces: a dict of dotted paths into a configuration, each to a Float, an Int or a Choice."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gibbsweep.errors import UserError


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]. For example::

    {"learning_rate": Float(1e-4, 1e-1, log=True)}
    """

    low: float
    """The lower end, above 0 with ``log``."""
    high: float
    """The upper end, above ``low``."""
    log: bool = False
    """Whether the number's logarithm is searched."""

    def __post_init__(self) -> None:
        _check_range(self)


@dataclass(frozen=True)
class Int:
    """A whole number from ``low`` to ``high``, both included. For example::

    {"n_hidden": Int(16, 512, log=True)}
    """

    low: int
    """The lower end, above 0 with ``log``."""
    high: int
    """The upper end, above ``low``."""
    log: bool = False
    """Whether the number's logarithm is searched."""

    def __post_init__(self) -> None:
        _check_range(self)


@dataclass(frozen=True, init=False)
class Choice:
    """One of several options. For example::

    {"optimizer.name": Choice("sgd", "adam", then={"sgd": {"optimizer.momentum": Float(0, 0.99)}})}
    """

    options: tuple[Any, ...]
    """The options: numbers, strings, booleans, None, or tuples of those."""
    then: Mapping[Any, Space] = field(default_factory=dict)
    """The sub-space that exists only under an option, by that option."""

    def __init__(self, *options: Any, then: Mapping[Any, Space] | None = None) -> None:
        if not options:
            raise UserError("a Choice needs at least one option: got none.")
        options = tuple(map(plain, options))
        branches = {plain(key): branch for key, branch in (then or {}).items()}
        _check_options(options)
        strange_keys = [key for key in branches if key not in options]
        if strange_keys:
            raise UserError(
                f"a Choice has sub-spaces for {strange_keys}, which are not among its options {list(options)}."
            )
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "then", branches)


Domain = Float | Int | Choice
"""The values that one field may take."""

Space = Mapping[str, Domain]
"""Domains by dotted path of a configuration."""


def plain(value: Any) -> Any:
    """``value`` with NumPy's scalars, also those in a tuple, as the numbers, texts and booleans that they hold."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.item() if isinstance(value, np.generic) else value


def check_domains(space: Space) -> None:
    """Raise UserError for a path of ``space``, or of a branch in it, that has no domain."""
    if not isinstance(space, Mapping):
        raise UserError(f"a space maps dotted paths to domains, {{'k': Choice(1, 10)}}: got {space!r}.")
    for path, domain in space.items():
        if not isinstance(domain, Float | Int | Choice):
            options = _elements(domain)
            hint = f"did you mean {_as_choice(options)}?" if options else "use a Float, an Int or a Choice."
            raise UserError(f"the space has {domain!r} at {path!r}, which is no domain: {hint}")
        for branch in domain.then.values() if isinstance(domain, Choice) else ():
            check_domains(branch)


def walk(space: Space) -> Iterator[tuple[str, Domain]]:
    """Yield every path of ``space`` with its domain, the branches of a Choice included."""
    for path, domain in space.items():
        yield path, domain
        if isinstance(domain, Choice):
            for branch in domain.then.values():
                yield from walk(branch)


def with_tuples(value: Any) -> Any:
    """``value`` as it was before JSON: no configuration has lists, so every list becomes a tuple."""
    return tuple(map(with_tuples, value)) if isinstance(value, list) else value


def values_from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The values by path of ``stored``, as they were before JSON."""
    return {path: with_tuples(value) for path, value in stored.items()}


def searched_paths(space: Space) -> list[str]:
    """The paths of ``space``, those of its branches too."""
    below = [branch for domain in space.values() if isinstance(domain, Choice) for branch in domain.then.values()]
    return list(dict.fromkeys([*space, *(path for branch in below for path in searched_paths(branch))]))


def describe(space: Space) -> dict[str, Any]:
    """``space`` as JSON. It must be equal for a sweep to be resumed."""
    return {path: _describe_domain(domain) for path, domain in space.items()}


def with_values(config: Any, values: Mapping[str, Any]) -> Any:
    """A copy of the frozen dataclass ``config`` with the fields at the dotted paths of ``values`` replaced."""
    for path, value in values.items():
        config = _replace(config, path.split("."), path, value)
    return config


def values_within(flat: Mapping[str, Any], space: Space) -> tuple[dict[str, Any], list[str]]:
    """The values of a flat configuration (see :func:`flatten`) that lie in ``space``, and the paths of the others.

    The branch of a Choice counts where the configuration has the option of that branch.
    """
    values: dict[str, Any] = {}
    outside: list[str] = []
    for path, domain in space.items():
        value = tuple(flat[path]) if isinstance(flat.get(path), list) else flat.get(path, _ABSENT)
        if not _lies_in(domain, value):
            outside.append(path)
            continue
        values[path] = value
        if isinstance(domain, Choice) and value in domain.then:
            below = values_within(flat, domain.then[value])
            values |= below[0]
            outside += below[1]
    return values, outside


_ABSENT = object()


def _lies_in(domain: Domain, value: Any) -> bool:
    if isinstance(domain, Choice):
        return value in domain.options
    whole = isinstance(value, int) and not isinstance(value, bool)
    return (whole or (isinstance(value, float) and isinstance(domain, Float))) and domain.low <= value <= domain.high


def check_paths(config: Any, space: Space) -> None:
    """Raise UserError if ``space`` names a field that ``config`` lacks."""
    for path, _ in walk(space):
        field_at(config, path)


def field_at(config: Any, path: str) -> Any:
    """The field of the nested dataclass ``config`` at a dotted ``path``; ``config`` itself at "".

    Raise UserError if there is no such field.
    """
    for part in path.split(".") if path else ():
        _require_field(config, part, path)
        config = getattr(config, part)
    return config


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """The fields of a nested dataclass by dotted path."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            flat |= flatten(value, f"{prefix}{item.name}.")
        else:
            value = plain(value)
            flat[f"{prefix}{item.name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _replace(config: Any, parts: list[str], path: str, value: Any) -> Any:
    head, *rest = parts
    _require_field(config, head, path)
    if rest:
        value = _replace(getattr(config, head), rest, path, value)
    value = with_tuples(value)
    try:
        return dataclasses.replace(config, **{head: value})
    except ValueError as error:
        raise UserError(f"{path}={value!r} is not a valid value of {type(config).__name__}: {error}.") from error


def _require_field(config: Any, name: str, path: str) -> None:
    field_names = [f.name for f in dataclasses.fields(config)] if dataclasses.is_dataclass(config) else []
    if name not in field_names:
        close = difflib.get_close_matches(name, field_names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(field_names) or 'no fields'}."
        raise UserError(
            f"{type(config).__name__} has no field {name!r}{f', which {path!r} names' if path != name else ''}: {hint}"
        )


def _describe_domain(domain: Domain) -> dict[str, Any]:
    if isinstance(domain, Choice):
        branches = {str(option): describe(branch) for option, branch in domain.then.items()}
        return {"choice": list(domain.options)} | ({"then": branches} if branches else {})
    return {type(domain).__name__.lower(): [domain.low, domain.high], "log": domain.log}


_PLAIN = (bool, int, float, str, type(None))


def _check_options(options: tuple[Any, ...]) -> None:
    """Raise UserError for options that JSON, or a dictionary, cannot tell apart or cannot hold."""
    for option in options:
        if not _is_plain(option):
            elements = _elements(option)
            hint = "use numbers, strings, booleans, None, or tuples of those."
            if len(options) == 1 and elements:
                hint = f"did you mean {_as_choice(elements)}?"
            elif all(isinstance(one, list) or _is_plain(one) for one in options):
                hint = f"did you mean {_as_choice([with_tuples(one) for one in options])}?"
            raise UserError(f"a Choice cannot have the option {option!r}, a {type(option).__name__}: {hint}")
        if isinstance(option, float) and math.isnan(option):
            raise UserError(f"a Choice cannot have the option {option!r}, which equals nothing: leave it out.")
    for i, option in enumerate(options):
        for other in options[:i]:
            if option == other and _same_types(option, other):
                raise UserError(f"a Choice has the option {option!r} twice: name each once.")
            if option == other:
                raise UserError(
                    f"a Choice has the options {other!r} and {option!r}, which are equal, so that one of them would "
                    "never be tried: leave one out."
                )
            if str(option) == str(other) and isinstance(option, tuple) | isinstance(other, tuple):
                raise UserError(
                    f"a Choice has the options {other!r} and {option!r}, which are recorded as the same text: "
                    "leave one out."
                )


def _is_plain(option: Any) -> bool:
    return all(map(_is_plain, option)) if type(option) is tuple else type(option) in _PLAIN


def _same_types(option: Any, other: Any) -> bool:
    if isinstance(option, tuple) and isinstance(other, tuple):
        return all(map(_same_types, option, other))
    return type(option) is type(other)


def _elements(value: Any) -> list[Any]:
    """The elements of a list, a set, a range or an array, if they can be options; else none."""
    if not isinstance(value, list | tuple | set | frozenset | range | np.ndarray):
        return []
    elements = [with_tuples(plain(element)) for element in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return elements if all(map(_is_plain, elements)) else []


def _as_choice(options: Sequence[Any]) -> str:
    return f"Choice({', '.join(map(repr, options))})"


def _check_range(domain: Any) -> None:
    """Turn the ends of ``domain`` into Python's numbers, and raise UserError where they span no range."""
    name = type(domain).__name__
    for end in ("low", "high"):
        value = plain(getattr(domain, end))
        object.__setattr__(domain, end, value)
        if type(value) not in (int, float) or (name == "Int" and type(value) is not int):
            wanted = "a whole number" if name == "Int" else "a number"
            raise UserError(f"a {name} needs {wanted} for {end}: got {value!r}, a {type(value).__name__}.")
    low, high, log = domain.low, domain.high, domain.log
    if not low < high:
        raise UserError(f"a {name} needs low < high: got [{low}, {high}].")
    if log and low <= 0:
        raise UserError(f"a {name} on a log scale needs low > 0: got [{low}, {high}].")
    if not _is_finite(lambda: high / low if log else high - low):
        raise UserError(
            f"a {name} needs finite numbers whose {'quotient' if log else 'difference'} is finite: got [{low}, {high}]."
        )


def _is_finite(number: Callable[[], float]) -> bool:
    try:
        return math.isfinite(float(number()))
    except OverflowError:
        return False
