"""Waiting for another process to have got somewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], bool], limit_s: float = 60.0) -> None:
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "waited too long"
        time.sleep(0.05)


def sent_beyond(trial: Any, offset: int) -> bool:
    """Whether more than ``offset`` bytes of its spool have been sent."""
    return bool((trial.folder / "tracked.json").exists() and trial.tracked["offset"] > offset)
