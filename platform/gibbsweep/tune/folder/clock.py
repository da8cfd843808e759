"""The wall seconds of a sweep over all its parts, and the device-seconds that were available in them."""

from __future__ import annotations

import json
import time
from typing import Any

from gibbsweep.folder import write_atomically
from gibbsweep.tune.folder.layout import SweepDir


class SweepClock:
    """The clock of a sweep, kept in ``runs/SWEEP/wall_seconds.json``::

        clock = SweepClock(sweep, started=time.time())
        clock.train_on(devices=8)
        clock.tick()  # clock.wall_seconds is up to date, on disk too

    A sweep that was interrupted and resumed has several parts. Each part counts up to its last :meth:`tick`; the time
    between two parts does not count."""

    def __init__(self, sweep: SweepDir, started: float) -> None:
        """A new part of ``sweep``, which began at unix time ``started``."""
        self._path, self._started, self._last_tick = sweep.wall_seconds, started, started
        earlier_parts: dict[str, Any] = {"wall_seconds": 0.0, "available": 0.0, "devices": 0}
        if self._path.exists():
            earlier_parts = json.loads(self._path.read_text())
        self._earlier_parts = earlier_parts
        self._devices: int | None = 0

    def train_on(self, devices: int | None) -> None:
        """Note that this part trains on so many devices; None: their number is not known."""
        self._devices = devices

    @property
    def devices(self) -> int:
        """The devices of the last part that trained anything."""
        return int(self._devices or self._earlier_parts["devices"])

    @property
    def wall_seconds(self) -> float:
        """Wall seconds of all parts, until the last tick."""
        return float(self._earlier_parts["wall_seconds"] + self._last_tick - self._started)

    @property
    def now_seconds(self) -> float:
        """Wall seconds of all parts, until now."""
        return self.wall_seconds + time.time() - self._last_tick

    @property
    def available(self) -> float | None:
        """Device-seconds: devices times wall seconds, over the parts that trained anything. None where the devices of a
        part are not known (a cluster that adds nodes on demand)."""
        if self._devices is None or self._earlier_parts["available"] is None:
            return None
        return float(self._earlier_parts["available"] + self._devices * (self._last_tick - self._started))

    def tick(self, every: float = 0.0) -> None:
        """Count until now and write the file; does nothing if the last tick was less than ``every`` seconds ago."""
        now = time.time()
        if now - self._last_tick < every:
            return
        self._last_tick = now
        record = {"wall_seconds": self.wall_seconds, "available": self.available, "devices": self.devices}
        write_atomically(self._path, json.dumps(record).encode())
