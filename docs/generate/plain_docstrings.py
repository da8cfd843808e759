"""Turns the docstrings into Markdown: roles of Sphinx, literal blocks, doctests, and signs that Markdown would take for
its own."""

from __future__ import annotations

import re
from typing import Any

import griffe

_CODE = re.compile(r"(``[^`]+``|`[^`]+`)")


def as_markdown(text: str) -> str:
    """``text``, a docstring of this repository, as Markdown."""
    lines: list[str] = []
    doctest = False
    for line in text.splitlines():
        starts = line.lstrip().startswith((">>> ", "... "))
        if starts and not doctest:
            lines += ["", "```pycon"]
            doctest = True
        elif doctest and not line.strip():
            lines.append("```")
            doctest = False
            lines.append("")
            continue
        indented = line.startswith("    ")
        lines.append(line if doctest or indented else _plain(line))
    return "\n".join([*lines, *(["```"] if doctest else [])])


def _plain(line: str) -> str:
    line = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", line)
    line = re.sub(r"::$", ":", line)
    parts = _CODE.split(line)
    parts[::2] = [re.sub(r"([*_\[\]])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


class PlainDocstrings(griffe.Extension):
    """Rewrites every docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
