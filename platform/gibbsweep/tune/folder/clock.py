"""The wall seconds of a sweep over all its parts, and the device-seconds that were there to be used in them."""

from __future__ import annotations

import json
import time
from typing import Any

from gibbsweep.train.files import write_atomically
from gibbsweep.tune.folder.layout import SweepDir


class SweepClock:
    """``runs/SWEEP/wall_seconds.json``, brought up to date by :meth:`tick`: an interrupted part counts up to its last one, and
    what is between two parts does not.

    ``available``: devices times wall seconds over the parts that trained anything; None where a part's devices are not known (a
    cluster that adds nodes on demand). ``devices``: those of the last part that trained anything.
    """

    def __init__(self, sweep: SweepDir, started: float) -> None:
        """A part of ``sweep`` that began at unix time ``started``."""
        self._path, self._started, self._now = sweep.path / "wall_seconds.json", started, started
        before: dict[str, Any] = {"wall_seconds": 0.0, "available": 0.0, "devices": 0}
        if self._path.exists():
            read = json.loads(self._path.read_text())
            # Sweeps from before devices were counted kept one number.
            before |= read if isinstance(read, dict) else {"wall_seconds": read, "available": None}
        self._before = before
        self._own_devices: int | None = 0

    def train_on(self, devices: int | None) -> None:
        """This part trains on so many devices; None: that is not known."""
        self._own_devices = devices

    @property
    def devices(self) -> int:
        return int(self._own_devices or self._before["devices"])

    @property
    def wall_seconds(self) -> float:
        return float(self._before["wall_seconds"] + self._now - self._started)

    @property
    def now_seconds(self) -> float:
        """``wall_seconds`` until now, whatever the last tick was."""
        return self.wall_seconds + time.time() - self._now

    @property
    def available(self) -> float | None:
        if self._own_devices is None or self._before["available"] is None:
            return None
        return float(self._before["available"] + self._own_devices * (self._now - self._started))

    def tick(self, every: float = 0.0) -> None:
        """The part lasts until now; nothing is written where the last tick was less than ``every`` seconds ago."""
        now = time.time()
        if now - self._now < every:
            return
        self._now = now
        record = {"wall_seconds": self.wall_seconds, "available": self.available, "devices": self.devices}
        write_atomically(self._path, json.dumps(record).encode())
