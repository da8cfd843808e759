"""Lines of text from parts, as many as fit a width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

SEPARATOR = "  ·  "
"""Text between the parts of a line of totals."""
INDENT = "    "
"""Start of a line that belongs to the one above."""


def count_text(count: int, noun: str, style: str) -> Text:
    """``3 waiting``; empty where ``count`` is 0."""
    return Text(f"{count} {noun}{'s' if noun == 'restart' and count > 1 else ''}", style) if count else Text()


def join_fitting(parts: Sequence[Text], width: int, separator: str) -> tuple[Text, list[Text]]:
    """A line of as many ``parts`` as fit ``width`` columns, at least one, and the parts that do not fit. Empty parts
    are left out."""
    parts = [part for part in parts if part.plain]
    count, used = 1, parts[0].cell_len
    while count < len(parts) and used + len(separator) + parts[count].cell_len <= width:
        used += len(separator) + parts[count].cell_len
        count += 1
    return Text(separator).join(parts[:count]), parts[count:]


def join_with_ellipsis(parts: Sequence[Text], width: int) -> Text:
    """A line of as many ``parts`` as fit ``width`` columns, with an ellipsis for the others."""
    line, others = join_fitting(parts, width, "  ")
    if others:
        line, _ = join_fitting(parts, width - 3, "  ")
        line.append("  …", "dim")
    return line


def shorten(name: str, width: int) -> str:
    """``name``, cut to ``width`` columns with an ellipsis."""
    return name if len(name) <= width else name[: width - 1] + "…"
