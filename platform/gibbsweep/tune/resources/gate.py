"""The gate between the plan and the code that starts its runs. It holds a run back while there is no room for it, and
halts a sweep that cannot go on now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from gibbsweep.errors import is_disk_full
from gibbsweep.tune.folder.driver import StopRequest, add_words
from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun
from gibbsweep.tune.resources.devices import Devices
from gibbsweep.tune.resources.disk import Quota
from gibbsweep.tune.resources.shortage import Shortages


class Gate:
    """Hands out the next run of a plan, holds it back, or halts the sweep::

        gate = Gate(plan, StopRequest(sweep), Quota(plan, limit=20 * 10**9))
        while (planned := gate.next()) is not None:
            start(planned)

    A run that the plan has handed out and that has not ended stays unfinished in the journal and in its folder. A later
    part of the sweep starts with it."""

    halted: str
    """Why the sweep cannot go on; empty while it can."""
    advice: str
    """Advice on it, which precedes the command that continues the sweep."""
    option: str
    """An option to add to that command."""
    devices: Devices | None
    """The cluster's devices, which tell whether there is room for a run; None before there is a cluster."""
    shortages: Shortages | None
    """Tells whether other programs have taken the memory; None before there is a cluster."""

    def __init__(self, plan: Plan, stop: StopRequest, quota: Quota | None = None) -> None:
        self.plan, self.stop, self.quota = plan, stop, quota
        self.halted, self.advice, self.option = "", "", ""
        self.devices, self.shortages = None, None
        self._held_back: PlannedRun | None = None
        self._no_room = False  # for the run that is held back, and nothing has ended since

    @property
    def closing(self) -> bool:
        """Whether no further run starts, and running runs are to end at their next reports."""
        return bool(self.halted) or self.stop.requested

    def next(self) -> PlannedRun | None:
        """The next run to start; None if there is none now."""
        planned = None
        with self.guarded():
            planned = self._next()
        return planned

    def ready(self) -> bool:
        """Whether there is a run to start, so that a cluster is not started in vain. With a quota it is then handed
        out."""
        if self.quota is not None:
            self._held_back = self.next() or self._held_back
        return not self.halted and (self.quota is None or self._held_back is not None)

    def in_flight(self) -> list[PlannedRun]:
        """The runs that the plan has handed out, without the one that is held back."""
        held_back = None if self._held_back is None else self._held_back.name
        return [run for name, run in self.plan.running.items() if name != held_back]

    def unfinished_message(self, resume: str) -> str:
        """A sentence for a person about a sweep that has ended unfinished. ``resume``: the command that continues
        it."""
        plan = self.plan
        after = f"after {len(plan.outcomes)} of {plan.total} runs"
        if not self.halted:
            return f"interrupted {after}: continue with {resume}"
        command = add_words(resume, shlex.split(self.option))
        return f"paused {after}: {self.halted}; nothing is lost: {self.advice}continue with {command}"

    def reported(self, name: str) -> None:
        """Note that the running run ``name`` has reported and saved its checkpoint."""
        with self.guarded():
            if self.quota is not None and name in self.plan.running:
                self.quota.measure(self.plan.running[name])

    def ended(self, planned: PlannedRun) -> None:
        """Note that ``planned`` has ended or pauses, after the plan has been told."""
        self._no_room = False
        with self.guarded():
            if self.quota is not None:
                self.quota.measure(planned)
                self.quota.make_room()

    def halt(self, why: str, advice: str, option: str = "") -> None:
        """Start no further run. The first reason stays; ``option`` is what to add to the command that continues the
        sweep."""
        if not self.halted:
            self.halted, self.advice, self.option = why, advice, option

    def out_of_space(self) -> None:
        """Halt because the disk is full."""
        self.halt(f"there is no space left on the disk of {self.plan.sweep.path}", "free some, then ")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A context in which a full disk halts the sweep instead of raising an error."""
        try:
            yield
        except Exception as error:
            if not is_disk_full(error):
                raise
            self.out_of_space()

    def _next(self) -> PlannedRun | None:
        if self.halted or self._no_room:
            return None
        if self.shortages is not None and not self.shortages.over(others_run=bool(self.in_flight())):
            return None
        planned, self._held_back = self._held_back or self.plan.next(), None
        if planned is None:
            return None
        others = [run for run in self.in_flight() if run.name != planned.name]
        if others and self.devices is not None and not self.devices.has_room(planned, others):
            self._held_back, self._no_room = planned, True
            return None
        if self.quota is None or self.quota.make_room():
            return planned
        self._held_back, self._no_room = planned, True
        if len(self.plan.running) == 1:  # only this run: no other will end and make room
            self.halt(self.quota.shortage_message(), "", f" --disk {size_text(self.quota.sufficient())}")
        return None
