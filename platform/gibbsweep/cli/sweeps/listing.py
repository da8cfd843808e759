"""``gibbsweep list``: what a folder of runs holds."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from tyro.conf import Positional

from gibbsweep.cli.sweeps.columns import Cells, fits, lines_of
from gibbsweep.results.answer import short_number

if TYPE_CHECKING:
    from gibbsweep.tune.status.listing import Listed

_STYLES = {"running": "green", "stopped": "yellow", "broken": "red", "diverged": "red", "failed": "red"}


@dataclass(frozen=True)
class ListOptions:
    """The options of ``gibbsweep list``."""

    runs: Positional[Path] = Path("runs")
    """Folder of all sweeps and single runs."""
    json: bool = False
    """Print JSON, with sizes in bytes and times in unix seconds."""


def list_runs(options: ListOptions) -> None:
    """List the sweeps and single runs of a folder, the newest first: state, best number, size and age."""
    from rich.console import Console

    from gibbsweep.tune.status.listing import listed

    found = listed(options.runs)
    if options.json:
        print(json.dumps([one.as_json() for one in found], indent=1))
        return
    if not found:
        print(f"{options.runs} holds neither sweeps nor runs yet.")
        return
    console = Console()
    now = time.time()
    for title, rows in sections(found, now):
        if title:
            console.print(Text(title, "dim"), soft_wrap=True)
        for line in listed_lines(rows, width=console.width):
            console.print(line, no_wrap=True, crop=False, overflow="ignore")
        console.print()
    for one in found:
        if one.why:
            why = f"{one.name}: {one.why}; remove it with gibbsweep rm {shlex.quote(str(one.path))}"
            console.print(why, style="red", markup=False, highlight=False, soft_wrap=True)
    kinds = [(sum(one.kind == kind for one in found), kind) for kind in ("sweep", "run", "folder")]
    counts = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for count, kind in kinds if count)
    total = size_text(sum(one.size for one in found))
    console.print(f"{counts}, {total}, in {options.runs}", style="dim", markup=False, highlight=False, soft_wrap=True)


def sections(found: Sequence[Listed], now: float) -> list[tuple[str, list[Cells]]]:
    """The rows of what was ``found``, with a header each, at unix time ``now``: first the sweeps, then the single runs
    of each study under a title."""
    parts: dict[str, list[Listed]] = {}
    for one in found:
        folder = "" if one.kind != "run" else one.path.parent.parent.name
        parts.setdefault(folder, []).append(one)
    return [
        (
            f"single runs, named {folder}:RUN" if folder else "",
            [_header(folder), *(_cells(one, now) for one in parts[folder])],
        )
        for folder in sorted(parts)
    ]


def _header(folder: str) -> Cells:
    first = ["run"] if folder else ["sweep", "study"]
    second = "updates" if folder else "budget"
    return [(text, "bold") for text in (*first, "data", second, "state", "best", "size", "age")]


def _cells(one: Listed, now: float) -> Cells:
    progress = f" {one.runs[0]}/{one.runs[1]}" if one.runs is not None and one.state in ("running", "stopped") else ""
    best = "–" if one.best is None else f"{one.metric} {short_number(one.best)}"
    study = [] if one.kind == "run" else [(one.study or "–", "")]
    return [
        (one.path.name if one.kind == "run" else one.name, ""),
        *study,
        (one.data or "–", ""),
        (one.budget or "–", ""),
        (f"{one.state}{progress}", _STYLES.get(one.state, "")),
        (best, ""),
        (size_text(one.size), ""),
        (age_text(now - one.created), ""),
    ]


def listed_lines(rows: Sequence[Cells], *, width: int) -> list[Text]:
    """The ``rows`` in columns that fit ``width``; where they do not, a study that its sweep's name begins with is left
    out, and then each name has a line of its own. Nothing is cut."""
    said = rows[0][1][0] == "study" and all(name[0].startswith(study[0]) for name, study, *_ in rows[1:])
    if said and not fits(rows, width):
        rows = [[row[0], *row[2:]] for row in rows]
    return lines_of(rows, width=width, numbers=_NUMBERS)


_NUMBERS = 3
"""The last columns, which are numbers."""


def size_text(size: float) -> str:
    """``12 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 9.95 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def age_text(seconds: float) -> str:
    """``3 min``, in the largest unit of which there are two."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
