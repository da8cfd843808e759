"""A contender's trials as bars of characters: where they stand, and at each rung."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gibbsweep.tune.status.overview import ContenderOverview
from gibbsweep.tune.status.text import INDENT, counted, with_ellipsis

Part = tuple[int, str, str]
"""(count, character, style) of a bar."""

_CELLS = {80: 12, 100: 20, 140: 32}  # columns of a bar from so many columns of terminal on


def cells_of(width: int) -> int:
    """How many columns of a terminal's ``width`` a bar has."""
    return max((cells for columns, cells in _CELLS.items() if columns <= width), default=8)


def rung_lines(contender: ContenderOverview, width: int) -> list[Text]:
    """A line a rung, the last one that of the end."""
    found = []
    last = contender.levels[-1]
    digits, columns = len(str(last.step)), len(str(contender.outline.trials))
    for level in contender.levels:
        parts: list[Part] = [
            (level.went_on, "█", "green"),
            (level.waiting, "▒", "yellow"),
            (level.stayed, "▓", "blue"),
            (level.running, "░", "cyan"),
        ]
        line = Text(INDENT).append(f"{level.step:>{digits}} ", "dim")
        line += _bar(parts, contender.outline.trials, cells_of(width)) + Text(" ")
        told = [Text(f"{level.reached:>{columns}} {'completed' if level is last else 'reached'}")]
        if level is not last:
            how = "gone on" if contender.outline.population else "promoted"
            told += [counted(level.went_on, how, "green"), counted(level.copied, "copied", "magenta")]
            told.append(counted(level.waiting, "waiting", "yellow"))
            told.append(counted(level.stayed, "ended", "blue"))
        told.append(counted(level.running, "on the way", "cyan"))
        found.append(line + with_ellipsis(told, width - line.cell_len))
    return found


def trials_bar(contender: ContenderOverview, width: int) -> Text:
    """All trials by how they ended or where they are."""
    ended = contender.ended
    parts: list[Part] = [
        (ended["completed"], "█", "green"),
        (ended["pruned"], "▓", "blue"),
        (ended["diverged"] + ended["failed"], "▓", "red"),
        (contender.waiting, "▒", "yellow"),
        (contender.running, "░", "cyan"),
    ]
    return _bar(parts, contender.outline.trials, cells_of(width))


def _bar(parts: Sequence[Part], total: int, cells: int) -> Text:
    """Whoever is there at all has a cell, as long as there are enough; no bar is full before all are there."""
    counts = [count for count, _, _ in parts]
    widths = [max(1, round(cells * count / total)) if count else 0 for count in counts]
    room = cells if sum(counts) >= total else cells - 1
    while sum(widths) > room:
        widths[widths.index(max(widths))] -= 1
    if sum(counts) >= total and widths:
        widths[widths.index(max(widths))] += cells - sum(widths)
    bar = Text()
    for width, (_, character, style) in zip(widths, parts, strict=True):
        bar.append(character * width, style)
    bar.append("·" * (cells - sum(widths)), "dim")
    return bar
