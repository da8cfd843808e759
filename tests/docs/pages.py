"""The pages that a person reads, their blocks of code, and the pages that are made at build time."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.scripts import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str
    """The file that its text is, or nothing."""
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The blocks of ``page`` in any of ``languages``, in their order."""
    found = [Block(m[1], m[2] or "", m[3]) for m in _BLOCK.finditer(page.read_text())]
    return [block for block in found if block.language in languages]


def name_of(page: Path) -> str:
    """What a test calls ``page``."""
    return page.relative_to(ROOT).as_posix()


def needs_a_sweep(page: Path) -> bool:
    """Whether an example of ``page`` reads a sweep: ``runs/SWEEP`` stands for one that is there."""
    return any("runs/SWEEP" in block.text for block in blocks(page, "python"))


@cache
def made_pages() -> dict[str, str]:
    """The pages that are made from the repository, by their paths below docs/."""
    sys.path.insert(0, str(ROOT / "docs" / "generate"))
    try:
        import made
    finally:
        sys.path.pop(0)
    pages: dict[str, str] = made.made_pages()
    return pages
