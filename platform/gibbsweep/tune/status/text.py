"""Parts of a line of text that are shown as far as they fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

SEPARATOR = "  ·  "
INDENT = "    "


def counted(n: int, what: str, style: str) -> Text:
    """Empty where there is none."""
    return Text(f"{n} {what}{'s' if what == 'restart' and n > 1 else ''}", style) if n else Text()


def fitting(parts: Sequence[Text], width: int, separator: str) -> tuple[Text, list[Text]]:
    """As many of ``parts`` as fit, at least one, and the others."""
    parts = [part for part in parts if part.plain]
    fit, used = 1, parts[0].cell_len
    while fit < len(parts) and used + len(separator) + parts[fit].cell_len <= width:
        used += len(separator) + parts[fit].cell_len
        fit += 1
    return Text(separator).join(parts[:fit]), parts[fit:]


def with_ellipsis(parts: Sequence[Text], width: int) -> Text:
    """``parts`` with an ellipsis for those that do not fit."""
    line, others = fitting(parts, width, "  ")
    if others:
        line, _ = fitting(parts, width - 3, "  ")
        line.append("  …", "dim")
    return line


def shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"
