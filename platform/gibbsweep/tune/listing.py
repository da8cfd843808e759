"""Which sweeps a folder holds, for whoever has named another one."""

from __future__ import annotations

import json
from pathlib import Path

_NAMED = 10


def is_sweep(folder: Path) -> bool:
    """Not so is the folder of a study's single runs, whose record has no options."""
    record = folder / "sweep.json"
    return record.exists() and "options" in json.loads(record.read_text())


def held(runs: Path) -> str:
    """``runs`` holds ...: the latest first, as a folder of a year's sweeps holds too many to print."""
    latest = sorted(runs.glob("*/sweep.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    known = [path.parent.name for path in latest if is_sweep(path.parent)]
    if not known:
        return f"{runs} holds none yet."
    more = f" and {len(known) - _NAMED} older ones" if len(known) > _NAMED else ""
    return f"{runs} holds {', '.join(known[:_NAMED])}{more}."
