"""Between the plan and whoever starts its runs: holds a run back while its checkpoint would not fit, and stops a sweep that cannot go
on now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gibbsweep.errors import is_disk_full
from gibbsweep.tune.folder.driver import Stopping
from gibbsweep.tune.options.sizes import size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import Planned
from gibbsweep.tune.resources.devices import Sharing
from gibbsweep.tune.resources.disk import Quota


class Gate:
    """``halted``: why the sweep cannot go on; empty while it can. ``advice``: what a person does about it. ``stopping``: whether a person
    wants it to stop.

    Whatever the plan has handed out and nobody has ended stays unfinished, in its journal and its folders: a later part of the
    sweep starts with it.
    """

    def __init__(self, plan: Plan, stopping: Stopping, quota: Quota | None = None) -> None:
        self.plan, self.stopping, self.quota = plan, stopping, quota
        self.halted, self.advice, self.option = "", "", ""
        self.sharing: Sharing | None = None
        """Once there is a cluster: whether it has room for a run."""
        self._held: Planned | None = None
        self._looked = False  # whether there was no room for it, and nothing has ended since

    @property
    def closing(self) -> bool:
        """Whether no further run starts, and what runs is to end at its next report."""
        return bool(self.halted) or self.stopping.asked

    def next(self) -> Planned | None:
        """The next run to start; None if there is none now."""
        planned = None
        with self.guarded():
            planned = self._next()
        return planned

    def ready(self) -> bool:
        """Whether there is a run to start, so that a cluster is not started for nothing. With a quota it is then handed out."""
        if self.quota is not None:
            self._held = self.next() or self._held
        return not self.halted and (self.quota is None or self._held is not None)

    def in_flight(self) -> list[Planned]:
        """What the plan has handed out and this holds back no more."""
        held = None if self._held is None else self._held.name
        return [run for name, run in self.plan.running.items() if name != held]

    def said(self, resume: str) -> str:
        """For a person, once the sweep has ended unfinished. ``resume``: the command that continues it."""
        plan = self.plan
        after = f"after {len(plan.outcomes)} of {plan.total} runs"
        if not self.halted:
            return f"interrupted {after}: continue with {resume}"
        return f"paused {after}: {self.halted}; nothing is lost: {self.advice}continue with {resume}{self.option}"

    def reported(self, name: str) -> None:
        """A running run has reported, and has saved its checkpoint."""
        with self.guarded():
            if self.quota is not None and name in self.plan.running:
                self.quota.measure(self.plan.running[name])

    def ended(self, planned: Planned) -> None:
        """The plan has heard that ``planned`` ended or pauses."""
        self._looked = False
        with self.guarded():
            if self.quota is not None:
                self.quota.measure(planned)
                self.quota.make_room()

    def halt(self, why: str, advice: str, option: str = "") -> None:
        """Start nothing any more. The first reason stays; ``option`` is what to add to the command that continues."""
        if not self.halted:
            self.halted, self.advice, self.option = why, advice, option

    def out_of_space(self) -> None:
        """Halt: the disk is full."""
        self.halt(f"there is no space left on the disk of {self.plan.sweep.path}", "free some, then ")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Inside, a full disk halts the sweep instead of raising."""
        try:
            yield
        except Exception as error:
            if not is_disk_full(error):
                raise
            self.out_of_space()

    def _next(self) -> Planned | None:
        if self.halted or self._looked:
            return None
        planned, self._held = self._held or self.plan.next(), None
        if planned is None:
            return None
        others = [run for run in self.in_flight() if run.name != planned.name]
        if others and self.sharing is not None and not self.sharing.has_room(planned, others):
            self._held, self._looked = planned, True
            return None
        if self.quota is None or self.quota.make_room():
            return planned
        self._held, self._looked = planned, True
        if len(self.plan.running) == 1:  # itself: nobody will end and make room
            self.halt(self.quota.what_is_needed(), "", f" --disk {size_text(self.quota.enough())}")
        return None
