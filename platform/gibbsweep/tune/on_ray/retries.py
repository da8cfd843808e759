"""Decides about a run whose process ended without an outcome: it goes on, with more memory if it had too little, or has
failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gibbsweep.folder import Memory, Outcome, RunFolder, spent
from gibbsweep.folder.process import CRASHES_ALLOWED, forget_starts, starts_in_vain
from gibbsweep.train.checkpoint import read_progress
from gibbsweep.train.out_of_memory import ADVICE
from gibbsweep.tune.folder.layout import SweepDir
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.shortage import Shortage, Shortages

MOST_CRASHES = 20
"""The most crashes of one run that are retried, even if it advances between them or its process cannot start. Crashes
of runs that begin and advance nothing are limited to :data:`gibbsweep.train.exclusive.CRASHES_ALLOWED` by the run's
process. Running out of memory beside other runs does not count."""

MOST_UNSTARTED = 3
"""After this many consecutive start-up errors, in any runs, the sweep halts: the cause is common to all."""


@dataclass(frozen=True)
class Death:
    """Why the process of a trial ended without an outcome; :mod:`gibbsweep.tune.on_ray.deaths` finds it out."""

    message: str
    """The cause as a person reads it."""
    memory: Memory | None = None
    """The memory that ran out, if that is known."""
    silent: bool = False
    """The process is gone without a message; the kernel of another machine may have killed it."""
    raised: bool = False
    """The code in the process raised an error; neither the process nor its machine was lost."""
    shortage: Shortage | None = None
    """What Ray's memory monitor, which ended the process, says of the machine."""


class Retries:
    """Decides whether a run whose process died goes on. ``say`` tells a person a sentence. ``halt`` stops the sweep:
    its arguments are why, and what a person does about it before the sweep goes on (see
    :meth:`gibbsweep.tune.resources.gate.Gate.halt`). ``shortages`` excuses what Ray ended because other programs took
    the memory.

    For example::

        retries = Retries(sweep, devices, shortages, say=print, halt=gate.halt)
        death = Death("its process was killed, or crashed", silent=True)
        retries.outcome_after(planned, death)  # None: the run goes on
    """

    def __init__(
        self,
        sweep: SweepDir,
        devices: Devices,
        shortages: Shortages,
        say: Callable[[str], None],
        halt: Callable[[str, str], None],
    ) -> None:
        self._sweep, self._devices, self._shortages, self._say, self._halt = sweep, devices, shortages, say, halt
        self._unstarted = 0
        self._crashes: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._deaths: dict[str, Death] = {}

    def on_start(self, run: str) -> None:
        """Note that a run is given to a process."""
        self._since[run] = time.monotonic()

    def on_report(self, run: str) -> None:
        """Note that a run has reported; its checkpoint, if it has one, is of that moment."""
        self._since[run] = time.monotonic()
        self._shortages.advanced(run)
        self._unstarted = 0

    def on_death(self, trial_id: str, death: Death) -> None:
        """Note the death of a trial of Tune's. Tune tells its searcher next that there was an error, and not which."""
        self._deaths[trial_id] = death

    def death_of(self, trial_id: str) -> Death | None:
        """How a trial of Tune's died; None if it did not die. Each death is returned once."""
        return self._deaths.pop(trial_id, None)

    def outcome_after(self, planned: PlannedRun, death: Death) -> Outcome | None:
        """None if the run goes on; what it does then is on record. Otherwise its outcome, which the caller writes."""
        run_dir = self._sweep.trial(planned.name)
        if death.shortage is not None and self._shortages.excuse(planned.name, death.shortage):
            forget_starts(run_dir)
            return None
        if death.memory is not None:
            if self._more_room(planned, death.memory, death.message, certain=True):
                forget_starts(run_dir)
                return None
            device = "GPU" if death.memory == "gpu" else "machine"
            message = f"it ran out of memory alone on its {device} ({death.message}): {ADVICE}"
        else:
            self._unstarted = self._unstarted + 1 if death.raised and not starts_in_vain(run_dir) else 0
            if self._unstarted == MOST_UNSTARTED:
                self._halt(
                    f"the process of a trial cannot start ({death.message})",
                    "make what it imports known on every machine of the cluster (install it, or name its folder in "
                    "PYTHONPATH), then ",
                )
                return None
            self._crashes[planned.name] += 1
            count = self._crashes[planned.name]
            if count <= MOST_CRASHES:
                # Before the last try it gets more memory, which may have been what it lacked.
                if death.silent and starts_in_vain(run_dir) == CRASHES_ALLOWED:
                    self._more_room(planned, "host", death.message, certain=False)
                return None
            message = (
                f"its process ended without an outcome, {count} times ({death.message}): see {RunFolder(run_dir).log}"
            )
        step = read_progress(RunFolder(run_dir).checkpoint).step
        return Outcome("failed", step=step, message=message, **spent(run_dir))

    def _more_room(self, planned: PlannedRun, memory: Memory, message: str, *, certain: bool) -> bool:
        now = time.monotonic()
        lost = now - self._since.get(planned.name, now)
        retry = self._devices.give_more(planned, memory, message, lost_seconds=lost, certain=certain)
        if retry is None:
            return False
        self._say(f"{planned.name} {retry}" + (f"; so do later runs of {planned.contender}" if certain else ""))
        return True
