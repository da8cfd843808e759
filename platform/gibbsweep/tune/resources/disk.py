"""The quota of ``--disk``: keeps the checkpoints of a whole sweep under a number of bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from gibbsweep.folder import RunFolder, write_atomically
from gibbsweep.folder.layout import REMOVED, STATE
from gibbsweep.train.checkpoint import remove_checkpoint
from gibbsweep.tune.folder.layout import SweepDir, search_name
from gibbsweep.tune.journal.ranking import best_first
from gibbsweep.tune.journal.record import Record
from gibbsweep.tune.options.sizes import parse_size, round_up, size_text
from gibbsweep.tune.plan.plan import Plan
from gibbsweep.tune.plan.run import PlannedRun

_WHILE_SAVING = 2  # a new checkpoint is whole before the old one is removed


class Quota:
    """Removes the least wanted checkpoints of a sweep where more would not fit ``limit`` bytes::

        quota = Quota(plan, limit=20 * 10**9)
        quota.measure(planned)  # whenever a run has reported or ended
        if not quota.make_room():
            print(quota.shortage_message())

    The quota keeps the checkpoints of runs that are running or interrupted, of trials that wait at a rung and may still
    be promoted, and of retrained runs. Of the others it removes in this order: those of trials that did not complete;
    those of waiting trials that cannot be promoted any more (such a trial ends there); those of completed search
    trials, the worst of each search first. A run's folder is looked at when the run reports or ends, and all folders
    once when a sweep is resumed."""

    limit: int
    """The most bytes that the checkpoints may take."""

    def __init__(self, plan: Plan, limit: int) -> None:
        self.limit = limit
        self._plan = plan
        self._sizes: dict[str, int] = {}  # bytes of each existing checkpoint, by run
        self._largest: dict[str, int] = {}  # bytes of the largest single checkpoint so far, by contender
        self._trials: dict[str, tuple[str, int]] = {}  # contender and number of each search trial, by run
        self._total = 0
        for arm in plan.arms():
            for record in arm.records:
                self._measure(search_name(arm.name, record.number), arm.name, record.number)
            for run in plan.retraining_runs(arm):
                self._measure(run, arm.name, -1)

    @property
    def total(self) -> int:
        """Bytes of all checkpoints, when they were last looked at."""
        return self._total

    def measure(self, planned: PlannedRun) -> None:
        """Look at the checkpoint of a run that has reported or ended."""
        self._measure(planned.name, planned.contender, planned.number)

    def make_room(self) -> bool:
        """Remove checkpoints until those that stay, and those that running runs may write, fit the limit.

        Returns whether they fit."""
        excess = self._needed() - self.limit
        if excess <= 0:
            return True
        for name in self._removable():
            excess -= self._remove(name)
            if excess <= 0:
                return True
        return False

    def shortage_message(self) -> str:
        """Why :meth:`make_room` has failed, as a clause for a person."""
        waiting = sum(self._record(name).state == "paused" for name in self._sizes if name in self._trials)
        retrained = sum(name not in self._trials for name in self._sizes)
        counts = [f"{n} {kind}" for n, kind in ((waiting, "waiting to be promoted"), (retrained, "retrained")) if n]
        of_them = f" ({', '.join(counts)})" if counts else ""
        return (
            f"the sweep's checkpoints need {size_text(self._needed())}, more than --disk {size_text(self.limit)}: "
            f"{size_text(self._total)} are kept{of_them}, and a running run needs "
            "twice its checkpoint while it replaces it"
        )

    def sufficient(self) -> int:
        """A limit in bytes that suffices to the end, as far as sizes are known: each trial still to come may have to
        wait."""
        plan = self._plan
        later = 0
        for arm in plan.arms():
            trials_to_come = arm.trials - len(arm.records) if arm.scheduler.rungs else 0
            runs_to_come = sum(run not in self._sizes for run in plan.retraining_runs(arm))
            later += (trials_to_come + runs_to_come) * self._largest.get(arm.name, 0)
        return round_up(self._needed() + later)

    def _needed(self) -> int:
        """Bytes of the existing checkpoints, and of what running runs may write beside them before they report."""
        more = 0
        for planned in self._plan.running.values():
            size = self._sizes.get(planned.name, 0)
            more += max(0, _WHILE_SAVING * max(size, self._largest.get(planned.contender, 0)) - size)
        return self._total + more

    def _removable(self) -> Iterator[str]:
        """Runs with a checkpoint that may be removed, the least wanted first."""
        ended = [name for name in self._sizes if name in self._trials and self._record(name).ended]
        yield from [name for name in ended if self._record(name).objectives is None]
        for search in self._plan.searches():
            contender = search.contender.name
            for record in search.hopeless():
                if self._plan.end_paused(contender, record):
                    yield search_name(contender, record.number)
        yield from self._completed({name for name in ended if self._record(name).objectives is not None})

    def _completed(self, names: set[str]) -> list[str]:
        """``names`` of completed trials, the worst of each contender's option first, so that the best of an option
        comes last."""
        ranked = []
        for arm in self._plan.arms():
            group = [record for record in arm.records if search_name(arm.name, record.number) in names]
            best = best_first(group, arm.contender.goals)
            ranked += [(rank, search_name(arm.name, record.number)) for rank, record in enumerate(best)]
        return [name for _, name in sorted(ranked, reverse=True)]

    def _record(self, name: str) -> Record:
        contender, number = self._trials[name]
        return self._plan.search_of(contender).records[number]

    def _measure(self, name: str, contender: str, number: int) -> None:
        files = _files(RunFolder(self._plan.run_dir(name)).checkpoint)
        size = sum(files.values())
        self._total += size - self._sizes.pop(name, 0)
        if not size:
            return
        self._sizes[name] = size
        if number >= 0:
            self._trials[name] = contender, number
        # Not the sum of all files: a kill may have left a second checkpoint beside the first.
        checkpoint = files.pop(STATE, 0) + max(files.values(), default=0)
        self._largest[contender] = max(self._largest.get(contender, 0), checkpoint)

    def _remove(self, name: str) -> int:
        """Remove the checkpoint of run ``name``; returns the bytes that this frees."""
        if name not in self._sizes:
            return 0
        reason = f"removed to keep the sweep's checkpoints within --disk {size_text(self.limit)}"
        remove_checkpoint(RunFolder(self._plan.run_dir(name)).checkpoint, reason)
        freed = self._sizes.pop(name)
        self._total -= freed
        return freed


def quota_of(sweep: SweepDir, disk: str | None) -> int | None:
    """The limit in bytes of ``sweep``; None without one. ``disk``: the value of ``--disk``, which is recorded and stays
    until another one is given, or ``none``; None where the option was not given."""
    path = sweep.quota
    if disk is None:
        return int(json.loads(path.read_text())["bytes"]) if path.exists() else None
    limit = parse_size(disk)
    if limit is None:
        path.unlink(missing_ok=True)
    else:
        write_atomically(path, json.dumps({"bytes": limit}).encode())
    return limit


def _files(folder: Path) -> dict[str, int]:
    """Bytes of each file of the checkpoint ``folder``, without the note that says why a checkpoint was removed."""
    if not folder.is_dir():
        return {}
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != REMOVED}
