"""What a tracking process has written so far."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def text_of(path: Path) -> str:
    """The text of a file, ``""`` where there is none yet."""
    return path.read_text() if path.exists() else ""


def sent_beyond(trial: Any, offset: int) -> bool:
    """Whether more than ``offset`` bytes of its spool have been sent."""
    return bool((trial.folder / "tracked.json").exists() and trial.tracked["offset"] > offset)
