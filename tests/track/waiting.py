"""Waiting for another process to have got somewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_until(condition: Callable[[], bool], limit_s: float = 300.0, said: Callable[[], str] = str) -> None:
    """Waits for ``condition``; ``said`` tells what was seen instead.

    The limit is for a process that hangs, not a promise of speed: a tracking process is niced, and may need minutes
    to import MLflow where other tests fill the machine.
    """
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, f"waited {limit_s:.0f} s; what was seen instead: {said()}"
        time.sleep(0.05)


def text_of(path: Path) -> str:
    """The text of a file, ``""`` where there is none yet."""
    return path.read_text() if path.exists() else ""


def sent_beyond(trial: Any, offset: int) -> bool:
    """Whether more than ``offset`` bytes of its spool have been sent."""
    return bool((trial.folder / "tracked.json").exists() and trial.tracked["offset"] > offset)
