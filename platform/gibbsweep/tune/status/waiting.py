"""Says what a sweep waits for while no trial can run: machines that are to come, or room on those that are there."""

from __future__ import annotations

import time
from collections.abc import Callable

from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.shares import Request
from gibbsweep.tune.status.lines import clock_text

GRACE_S = 10.0
"""Seconds without a running trial that are no news: processes start."""
FULL_S = 180.0
"""Seconds without a running trial on machines that have room for one, after which something else has taken it. On one
machine it is that processes start slowly, which is no news."""
ASK_AFTER_S = 120.0
"""Seconds after which Ray's autoscaler is asked why no machine comes."""
LOOK_EVERY_S = 5.0
"""Seconds between two looks at the machines."""
ASK_EVERY_S = 30.0
"""Seconds between two questions to the autoscaler."""


class Waiting:
    """Makes the sentence about a sweep that waits::

        waiting = Waiting(devices, autoscaler_says)
        waiting.sentence(pending=4, running=0)  # "" at first, and as long as trials run

    ``autoscaler_says``: what Ray's autoscaler knows of machines that do not come. ``clock``: seconds, by default the
    machine's."""

    def __init__(
        self, devices: Devices, autoscaler_says: Callable[[], str], clock: Callable[[], float] | None = None
    ) -> None:
        self._devices, self._autoscaler_says, self._clock = devices, autoscaler_says, clock or time.monotonic
        self._since: float | None = None
        self._looked_at, self._fits = float("-inf"), True
        self._asked_at, self._said = float("-inf"), ""

    def sentence(self, pending: int, running: int) -> str:
        """What the sweep waits for, with ``pending`` trials that wait for a device and ``running`` ones; "" where it
        does not wait."""
        now = self._clock()
        if running or not pending:
            self._since = None
            return ""
        if self._since is None:
            self._since = now
        waited = now - self._since
        if waited < GRACE_S:
            return ""
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at, self._fits = now, self._devices.fit_somewhere()
        if self._fits and (waited < FULL_S or not self._devices.on_several):
            return ""
        asks = " or ".join(sorted({_request_text(request) for request in self._devices.requests.values()}))
        trials = "1 trial asks" if pending == 1 else f"{pending} trials ask"
        what = "room on the cluster's machines" if self._fits else "nodes"
        sentence = f"waiting for {what} for {clock_text(waited)}: {trials} for {asks}{'' if pending == 1 else ' each'}"
        if self._fits or waited < ASK_AFTER_S:
            return sentence
        if now - self._asked_at >= ASK_EVERY_S:
            self._asked_at, self._said = now, self._autoscaler_says()
        return f"{sentence}; Ray's autoscaler: {self._said}"


def _request_text(request: Request) -> str:
    cpus = f"{request.cpus} CPU{'' if request.cpus == 1 else 's'}"
    return f"{cpus} and {request.gpus:g} GPU{'' if request.gpus <= 1 else 's'}" if request.gpus else cpus
