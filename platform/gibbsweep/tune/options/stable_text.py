"""A text of a value that is the same in every process, by which a sweep is compared with its record."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from gibbsweep.errors import UserError

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


def stable_text(value: Any) -> str:
    """The ``repr`` of ``value``, with everything in it that differs from process to process replaced.

    A function is named by its module and qualified name (and by the values that it encloses), an object whose class has
    no ``__repr__`` by its class and its fields, and the elements of a set are sorted. Raises UserError if another
    object's ``repr`` holds a memory address.

    For example, ``stable_text(LogLikelihood())`` is ``repr(LogLikelihood())``.
    """
    return _text(value, ())


def _text(value: Any, parents: tuple[int, ...]) -> str:
    if id(value) in parents:
        return "..."
    inside = (*parents, id(value))

    def text(part: Any) -> str:
        return _text(part, inside)

    if isinstance(value, type):
        return repr(value)
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return _function_text(value, text)
    if isinstance(value, MethodType):
        return f"{text(value.__self__)}.{value.__name__}"
    if isinstance(value, functools.partial):
        arguments = [*map(text, value.args), *(f"{name}={text(part)}" for name, part in value.keywords.items())]
        return f"partial({', '.join([text(value.func), *arguments])})"
    if type(value) in (set, frozenset):
        return f"{type(value).__name__}({{{', '.join(sorted(map(text, value)))}}})" if value else repr(value)
    if type(value) is list:
        return f"[{', '.join(map(text, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(text, value))}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        return f"{{{', '.join(f'{text(key)}: {text(part)}' for key, part in value.items())}}}"
    if dataclasses.is_dataclass(value) and repr(value) == _with_fields(value, _shown(value), repr):
        return _with_fields(value, _shown(value), text)
    shown_by: Any = type(value).__repr__
    if shown_by is object.__repr__:
        return _with_fields(value, _attributes(value), text)
    return _without_address(value)


def _function_text(function: Any, text: Any) -> str:
    owner = getattr(function, "__self__", None)
    if isinstance(function, BuiltinFunctionType) and owner is not None and not inspect.ismodule(owner):
        return f"{text(owner)}.{function.__name__}"
    enclosed = [text(cell.cell_contents) for cell in getattr(function, "__closure__", None) or ()]
    values = f" with {', '.join(enclosed)}" if enclosed else ""
    return f"<function {function.__module__}.{function.__qualname__}{values}>"


def _shown(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that its ``repr`` shows."""
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value) if item.repr}


def _attributes(value: Any) -> Mapping[str, Any]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(value, name)]
    return {**{name: getattr(value, name) for name in slots if name != "__dict__"}, **getattr(value, "__dict__", {})}


def _with_fields(value: Any, fields: Mapping[str, Any], text: Any) -> str:
    return f"{type(value).__qualname__}({', '.join(f'{name}={text(part)}' for name, part in fields.items())})"


def _without_address(value: Any) -> str:
    shown = repr(value)
    if _ADDRESS.search(shown):
        raise UserError(
            f"{shown} holds a memory address, so a sweep that it belongs to could never be resumed: give "
            f"{type(value).__qualname__} a __repr__ that says what it is."
        )
    return shown
