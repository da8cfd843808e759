"""Waiting for another process."""

from __future__ import annotations

import time
from collections.abc import Callable

ENOUGH_S = 600.0
"""Seconds after which a process counts as hung. It is no promise of speed: a process may be niced, and import MLflow or
PyTorch where other tests fill the machine."""


def track_patiently() -> None:
    """A sweep of this process waits for its tracking process as long as a test does."""
    from gibbsweep.tune import sweep

    sweep._CLOSE_S = ENOUGH_S


def wait_until(condition: Callable[[], bool], limit_s: float = ENOUGH_S, said: Callable[[], str] = str) -> None:
    """Waits for ``condition``; ``said`` tells what was seen instead."""
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, f"waited {limit_s:.0f} s; what was seen instead: {said()}"
        time.sleep(0.05)
