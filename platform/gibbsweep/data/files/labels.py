"""Labels of a data set: numbers from 0 without gaps, or names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gibbsweep.data.files.layout import is_string, plain
from gibbsweep.errors import UserError


class Labels:
    """Gathers a column of labels, part by part: whole numbers, names, or truth values, which are named true and false.

    ``where`` names the column in errors, ``kind`` is its Arrow type. ``classes``: names of the classes that the file or
    the training split states; empty: the labels tell them.
    """

    def __init__(self, where: str, kind: Any, classes: Sequence[str]) -> None:
        self.where = where
        self.classes = tuple(classes)
        value = kind.value_type if pa.types.is_dictionary(kind) else kind
        self._numbers = pa.types.is_integer(value)
        if not (self._numbers or pa.types.is_boolean(value) or is_string(kind)):
            raise UserError(
                f"{self.where} is {kind}: expected one label a row, a whole number from 0 or a name; correct it, or "
                "drop it"
            )
        self._parts: list[Any] = []

    def add(self, column: Any) -> None:
        """Adds the labels of some more rows."""
        if column.null_count:
            raise UserError(f"{self.where} has {column.null_count} empty cells: label every row, or drop the column")
        column = plain(column)
        if self._numbers:
            try:
                self._parts.append(column.cast(pa.int64()).to_numpy(zero_copy_only=False))
            except pa.ArrowInvalid as error:
                raise UserError(
                    f"{self.where} holds a number beyond 64 bits ({error}): correct it, or drop it"
                ) from error
        elif pa.types.is_boolean(column.type):
            self._parts.extend("true" if value else "false" for value in column.to_pylist())
        else:
            self._parts.extend(column.to_pylist())

    def completed(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """All labels (N,), numbered from 0, and the names of their classes."""
        if len(set(self.classes)) < len(self.classes):
            twice = sorted({name for name in self.classes if self.classes.count(name) > 1})
            raise UserError(f"{self.where} has two classes named '{twice[0]}': give each class a name of its own")
        return self._numbered() if self._numbers else self._named()

    def _numbered(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        y = np.concatenate(self._parts)
        low, high = int(y.min()), int(y.max())
        if low < 0 or (self.classes and high >= len(self.classes)):
            expected = f"0 to {len(self.classes) - 1}" if self.classes else "0 and above"
            hint = "; -1 marks rows without a label" if low == -1 else ""
            raise UserError(
                f"{self.where} runs from {low} to {high}: expected {expected}{hint}; correct it, or drop it"
            )
        if self.classes:
            return y, self.classes
        present = np.unique(y)
        if len(present) <= high:
            absent = int(np.argmax(present != np.arange(len(present))))
            raise UserError(
                f"{self.where} runs from {low} to {high}, and no example has the label {absent}: number the classes "
                f"from 0 without gaps (there are {len(present)}), write their names instead, or drop it"
            )
        return y, tuple(str(label) for label in range(high + 1))

    def _named(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        names = self.classes or sorted_names(set(self._parts))
        numbers = {name: number for number, name in enumerate(names)}
        unknown = sorted({name for name in self._parts if name not in numbers})
        if unknown:
            raise UserError(
                f"{self.where} has the label '{unknown[0]}', which is none of the {len(names)} classes "
                f"{_listed(names)}: correct it, or drop it"
            )
        return np.array([numbers[name] for name in self._parts], np.int64), tuple(names)


def sorted_names(names: set[str]) -> tuple[str, ...]:
    """Names of classes in their order: alphabetical, and by their values where all are whole numbers."""
    if all(name.isascii() and name.isdigit() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
