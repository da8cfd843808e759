"""Bars of characters for a contender's trials: one for all trials, and one for each rung."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gibbsweep.tune.status.overview import ContenderOverview
from gibbsweep.tune.status.text import INDENT, count_text, join_with_ellipsis

Part = tuple[int, str, str]
"""A part of a bar: (count, character, style)."""

_CELLS = {80: 12, 100: 20, 140: 32}  # columns of a bar, by the least columns of the terminal


def bar_cells(width: int) -> int:
    """The columns that a bar has on a terminal of ``width`` columns."""
    return max((cells for columns, cells in _CELLS.items() if columns <= width), default=8)


def rung_lines(contender: ContenderOverview, width: int) -> list[Text]:
    """A line for each rung, and one for the end of training."""
    lines = []
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
        line += _bar(parts, contender.outline.trials, bar_cells(width)) + Text(" ")
        counts = [Text(f"{level.reached:>{columns}} {'completed' if level is last else 'reached'}")]
        if level is not last:
            went_on = "gone on" if contender.outline.population else "promoted"
            counts += [count_text(level.went_on, went_on, "green"), count_text(level.copied, "copied", "magenta")]
            counts.append(count_text(level.waiting, "waiting", "yellow"))
            counts.append(count_text(level.stayed, "ended", "blue"))
        counts.append(count_text(level.running, "on the way", "cyan"))
        lines.append(line + join_with_ellipsis(counts, width - line.cell_len))
    return lines


def trials_bar(contender: ContenderOverview, width: int) -> Text:
    """A bar of all trials, by how they ended or where they are."""
    ended = contender.ended
    parts: list[Part] = [
        (ended["completed"], "█", "green"),
        (ended["pruned"], "▓", "blue"),
        (ended["diverged"] + ended["failed"], "▓", "red"),
        (contender.waiting, "▒", "yellow"),
        (contender.running, "░", "cyan"),
    ]
    return _bar(parts, contender.outline.trials, bar_cells(width))


def _bar(parts: Sequence[Part], total: int, cells: int) -> Text:
    """A bar of ``cells`` columns for ``total``. A part that is not empty has at least one cell, as long as there are
    enough; no bar is full before all parts together make up the total."""
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
