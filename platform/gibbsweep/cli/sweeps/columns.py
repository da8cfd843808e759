"""Rows of cells as lines of a terminal, whatever its width: no number and no name is cut."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

Cells = list[tuple[str, str]]
"""The cells of a row: a text and a style each."""


def lines_of(rows: Sequence[Cells], *, width: int, numbers: int) -> list[Text]:
    """The ``rows`` in columns, the last ``numbers`` of them flush right. Where they do not fit ``width``, the first
    cell of each row has a line of its own."""
    if fits(rows, width):
        return _in_columns(rows, numbers)
    others = _in_columns([row[1:] for row in rows], numbers)
    lines: list[Text] = []
    for (name, style), line in zip([row[0] for row in rows], others, strict=True):
        lines += [*([Text(name, style)] if name else []), Text("  ").append(line)]
    return lines


def fits(rows: Sequence[Cells], width: int) -> bool:
    """Whether ``rows`` fit ``width`` in columns."""
    return sum(max(cell_len(text) for text, _ in column) + 2 for column in zip(*rows, strict=True)) - 2 <= width


def _in_columns(rows: Sequence[Cells], numbers: int) -> list[Text]:
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = Text()
        for i, ((text, style), column) in enumerate(zip(row, widths, strict=True)):
            room = " " * (column - cell_len(text))
            right = i >= len(row) - numbers
            line.append(room if right else "").append(text, style).append("" if right else room).append("  ")
        line.rstrip()
        lines.append(line)
    return lines
