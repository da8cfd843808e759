"""Whether a value suits a field of a configuration: its declared type, and the range in which a space searches it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from gibbsweep.errors import UserError
from gibbsweep.study.space import Choice, Space, field_at, flatten, walk


def check_values(config: Any, values: Mapping[str, Any], space: Space) -> None:
    """Raise UserError for a path of ``values`` that ``config`` lacks, for a value of another type than its field has,
    and for a number outside the range in which ``space`` searches it."""
    domains = dict(walk(space))
    for path, value in values.items():
        check_type(config, path, value)
        domain = domains.get(path)
        if domain is None or isinstance(domain, Choice):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not domain.low <= value <= domain.high:
            raise UserError(
                f"{path}={value!r} lies outside [{domain.low}, {domain.high}], in which its contender searches "
                f"{path}: choose a number in it, or widen the contender's space."
            )


def check_type(config: Any, path: str, value: Any) -> None:
    """Raise UserError if the field of ``config`` at the dotted ``path`` is declared to be of another type than
    ``value``."""
    current = field_at(config, path)
    owner = field_at(config, path.rpartition(".")[0])
    hint = _type_of_field(owner, path.rpartition(".")[2], current)
    if not _fits(value, hint):
        raise UserError(
            f"{path}={value!r} is not a value of {type(owner).__name__}.{path.rpartition('.')[2]}, which is "
            f"{_words(hint)}: for example {path}={current!r}, as it stands."
        )


def check_is_json(config: Any) -> None:
    """Raise UserError for a field of ``config`` that JSON cannot hold: runs and sweeps are recorded as JSON."""
    for path, value in flatten(config).items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise UserError(
                f"{type(config).__name__} has {path}={value!r}, a {type(value).__name__}, which JSON cannot hold: "
                "use numbers, strings, booleans, None, tuples of those, and dataclasses inside it (a Path as its str)."
            ) from None


def _type_of_field(owner: Any, name: str, current: Any) -> Any:
    """The declared type of a field; that of its ``current`` value where the declaration names what is not there while
    the program runs."""
    try:
        return get_type_hints(type(owner), include_extras=True)[name]
    except (NameError, TypeError):
        return Any if current is None else type(current)


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _fits(value, arguments[0])
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in arguments)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if hint in (None, NoneType):
        return value is None
    if hint is bool or hint is str:
        return isinstance(value, hint)
    if hint in (int, float):
        number = isinstance(value, int if hint is int else (int, float)) and not isinstance(value, bool)
        return number and not math.isnan(value)
    if hint is tuple or origin is tuple:
        if not isinstance(value, tuple | list):
            return False
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return all(_fits(one, arguments[0]) for one in value)
        return not arguments or (len(arguments) == len(value) and all(map(_fits, value, arguments)))
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return isinstance(value, hint)
    if getattr(hint, "_is_protocol", False):  # only its methods are declared
        return not isinstance(value, bool | int | float | str | tuple | list | NoneType)
    return True


def _words(hint: Any) -> str:
    """A type as a person writes it."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
