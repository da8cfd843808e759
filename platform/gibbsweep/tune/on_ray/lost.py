"""What to do where a signal that was sent to a whole group of processes has ended Ray's own, too.

Batch schedulers send SIGTERM to every process of a job. Ray's client then waits a minute for its cluster, in calls that
no signal of Python's reaches, or ends the process at once as if it had crashed. So the main thread is held back from
its next call until it is known whether the cluster lives.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from gibbsweep.tune.folder.driver import StopRequest

_LOOK_EVERY_S = 0.5
_GRACE_S = 3.0
"""Seconds that the main thread gets to find out by itself that there is no cluster."""
_LAST_S = 20.0
"""Seconds that it gets to end the process after that."""
_HOLD_S = 3.0
"""Seconds that a cluster gets to die of the signal that reached this process, before the main thread goes on."""
_HOLD_EVERY_S = 0.05


class LostCluster:
    """A context in which runs are carried out. Once SIGTERM has asked for a stop and the cluster does not answer, this
    process ends with the exit code of ``stop``: ``give_up`` says what continues the sweep, and the run folders are as
    their last reports left them. ``answers``: whether the cluster does.

    For example::

        with LostCluster(stopping, cluster.watched(), give_up):
            execute(...)
    """

    def __init__(self, stop: StopRequest, answers: Callable[[], bool], give_up: Callable[[], None]) -> None:
        self._stop, self._answers, self._give_up = stop, answers, give_up
        self._left, self._held = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self._stop.at_termination = self._hold
        threading.Thread(target=self._watch, name="lost-cluster", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.at_termination = lambda: None
        self._left.set()

    def _hold(self) -> None:
        for _ in range(round(_HOLD_S / _HOLD_EVERY_S)):
            if not self._answers():
                self._held.set()
                time.sleep(_LAST_S)  # the other thread ends the process meanwhile
                return
            time.sleep(_HOLD_EVERY_S)

    def _watch(self) -> None:
        while not self._stop.terminated or self._answers():
            if self._left.wait(_LOOK_EVERY_S):
                return
        if not self._held.is_set() and self._left.wait(_GRACE_S):
            time.sleep(_LAST_S)  # at its exit the process would wait for the cluster again
        else:
            self._give_up()
        os._exit(self._stop.exit_code)
