"""What a section of the page is made of. A block holds text, never markup: the page's template escapes all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from gibbsweep.report.chart import Chart


@dataclass(frozen=True)
class Words:
    """Sentences, each a paragraph, or the points of a list."""

    sentences: Sequence[str]
    listed: bool = False
    style: Literal["", "lead", "quiet", "warning"] = ""
    kind: str = "words"


@dataclass(frozen=True)
class Table:
    """A table. The first column names its rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    best: Sequence[tuple[int, int]] = ()
    """Cells in bold: (row, column)."""
    muted: Sequence[int] = ()
    """Rows that stand back: baselines."""
    colours: Sequence[str] = ()
    """A colour for each row, which it has in the figures; empty without."""
    numeric: bool = True
    """Whether the columns but the first are numbers, which stand at the right."""
    caption: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Charts:
    """Figures; ``small`` ones stand side by side."""

    charts: Sequence[Chart]
    kind: str = "charts"


@dataclass(frozen=True)
class Strip:
    """Pictures of one kind of one run through its training."""

    label: str
    pictures: Sequence[tuple[int, str]]
    """(updates done, data URI), by updates."""
    pixelated: bool = False


@dataclass(frozen=True)
class Pictures:
    """Pictures of several runs, with one slider for all that have several moments."""

    title: str
    strips: Sequence[Strip]
    kind: str = "pictures"


@dataclass(frozen=True)
class Turned:
    """Solids of several runs that a reader turns: sheets with a row of views for each of ``turns`` sides."""

    title: str
    sheets: Sequence[tuple[str, str, float]]
    """(label, data URI, width of a row over its height)."""
    turns: int
    kind: str = "turned"


@dataclass(frozen=True)
class Sounds:
    """Sounds with a player each: (label, data URI)."""

    title: str
    sounds: Sequence[tuple[str, str]]
    kind: str = "sounds"


@dataclass(frozen=True)
class Command:
    """What can be pasted into a shell."""

    text: str
    kind: str = "command"


@dataclass(frozen=True)
class Folded:
    """Blocks that are shown on a click."""

    title: str
    blocks: Sequence[Block]
    kind: str = "folded"


Block = Words | Table | Charts | Pictures | Turned | Sounds | Command | Folded


@dataclass(frozen=True)
class Section:
    """A section of the page; without blocks it is left out."""

    name: str
    """The end of its address on the page."""
    title: str
    blocks: Sequence[Block] = field(default_factory=list)

    def charts(self) -> list[Chart]:
        """Its figures that have a point, those that are folded too."""
        return list(_charts(self.blocks))


def _charts(blocks: Sequence[Block]) -> list[Chart]:
    found: list[Chart] = []
    for block in blocks:
        if isinstance(block, Charts):
            found += [chart for chart in block.charts if not chart.empty]
        elif isinstance(block, Folded):
            found += _charts(block.blocks)
    return found
